/* SPDX-License-Identifier: MIT */
#include "factory/filesystem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

#define DEVICE "/dev/x"

static void join(const struct factory_program *program, char ret[static 256])
{
	ret[0] = '\0';
	for (size_t i = 0; program->words[i]; i++)
		snprintf(ret + strlen(ret), 256 - strlen(ret), "%s%s", i ? " " : "",
			 program->words[i]);
}

static void test_words(void **state)
{
	static const struct {
		struct factory_filesystem filesystem;
		bool discard;
		const char *repair;
		const char *make;
		const char *kept;
	} cases[] = {
		{{"ext4", "data", "u-1"},
		 false,
		 "e2fsck -f -y -j /dev/null /dev/x",
		 "mke2fs -q -F -t ext4 -E nodiscard -L data -U u-1 /dev/x",
		 "lost+found"},
		{{"ext3", "", ""},
		 true,
		 "e2fsck -f -y -j /dev/null /dev/x",
		 "mke2fs -q -F -t ext3 -E discard /dev/x",
		 "lost+found"},
		{{"ext2", "-x y", ""},
		 true,
		 "e2fsck -f -y -j /dev/null /dev/x",
		 "mke2fs -q -F -t ext2 -E discard -L -x y /dev/x",
		 "lost+found"},
		{{"btrfs", "data", "u-1"},
		 false,
		 "",
		 "mkfs.btrfs -q -f -K -L data -U u-1 /dev/x",
		 NULL},
		{{"btrfs", "", "u-1"}, true, "", "mkfs.btrfs -q -f -U u-1 /dev/x", NULL},
		{{"f2fs", "data", "u-1"},
		 false,
		 "fsck.f2fs -f /dev/x",
		 "mkfs.f2fs -q -f -t 0 -l data -U u-1 /dev/x",
		 NULL},
		{{"f2fs", "", ""},
		 true,
		 "fsck.f2fs -f /dev/x",
		 "mkfs.f2fs -q -f -t 1 /dev/x",
		 NULL},
		{{"vfat", "data", "u-1"}, true, "", "", NULL},
		{{"crypto_LUKS", "", "u-1"}, true, "", "", NULL},
		{{"?", "", ""}, true, "", "", NULL},
		{{"", "", ""}, true, "", "", NULL},
	};
	char words[256];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct factory_program repair =
			factory_filesystem_repair(&cases[i].filesystem, DEVICE);
		const struct factory_program make = factory_filesystem_make(
			&cases[i].filesystem, DEVICE, cases[i].discard);
		const struct factory_program check =
			factory_filesystem_check(&cases[i].filesystem, DEVICE);
		const char *kept = factory_filesystem_kept(&cases[i].filesystem);

		join(&repair, words);
		assert_string_equal(words, cases[i].repair);
		join(&make, words);
		assert_string_equal(words, cases[i].make);
		join(&check, words);
		assert_string_equal(words, strncmp(cases[i].repair, "e2fsck", 6) == 0
						   ? "e2fsck -p -j /dev/null /dev/x"
						   : "");
		assert_int_equal(factory_program_there(&make), cases[i].make[0] != 0);
		assert_string_equal(kept ? kept : "", cases[i].kept ? cases[i].kept : "");
	}
}

static int run(const char *text, struct verity_error *err)
{
	static const char *const paths[] = {"no-such", "./program", NULL};
	const struct factory_program program = {
		.paths = paths, .words = {"program", "a b", "$(touch x)"}};

	scratch_write("program", text);
	assert_int_equal(chmod("program", 0755), 0);
	return factory_program_run(&program, err);
}

static void test_run(void **state)
{
	static const char *const nowhere[] = {"no-such", NULL};
	const struct factory_program absent = {.paths = nowhere, .words = {"mkfs.x"}};
	struct verity_error err;

	(void)state;
	assert_int_equal(
		run("#!/bin/sh\n[ \"$#,$1,$2,$LC_ALL\" = '2,a b,$(touch x),C' ]\n", &err),
		0);
	assert_int_equal(run("#!/bin/sh\necho one; echo two >&2; exit 8\n", &err), 8);
	check_error(&err, VERITY_E_IO, "program ended with status 8: two");
	/* more than is kept of it, and no line at the end */
	assert_int_equal(
		run("#!/bin/sh\nyes | head -c 100000\nprintf 'last\\n'; exit 1\n", &err),
		1);
	check_error(&err, VERITY_E_IO, "program ended with status 1: last");
	assert_int_equal(run("#!/bin/sh\nkill -9 $$\n", &err), 128 + 9);
	check_error(&err, VERITY_E_IO, "program ended with status 137: ");
	/* nothing to read, and nobody's environment */
	assert_int_equal(run("#!/bin/sh\nread line && exit 1\n[ -z \"$HOME\" ]\n", &err),
			 0);
	assert_int_equal(factory_program_run(&absent, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "mkfs.x is not on this device (add it to the firmware)");
}

static void count_calls(void *context)
{
	++*(int *)context;
}

/* With what it started, however it is asked to end; and what it says fills no memory. */
static void test_limit(void **state)
{
	static const char *const paths[] = {"./program", NULL};
	int slow = 0;
	struct factory_program program = {.paths = paths,
					  .words = {"program"},
					  .limit_seconds = 3,
					  .log = "log",
					  .slow = count_calls,
					  .context = &slow};
	struct verity_error err;
	struct stat st;

	(void)state;
	scratch_write("program",
		      "#!/bin/sh\ntrap '' TERM\n(flock 9; sleep 1000) 9>held &\n"
		      "yes\n");
	assert_int_equal(chmod("program", 0755), 0);
	assert_int_equal(factory_program_run(&program, &err), -ETIMEDOUT);
	check_error(&err, VERITY_E_TIMED_OUT,
		    "program was ended: it was not done within 3 s");
	assert_int_equal(slow, 1);
	assert_int_equal(stat("log", &st), 0);
	assert_int_equal(st.st_size, FACTORY_LOG_BYTES);
	/* what has ended holds no lock */
	assert_int_equal(system("flock -w 30 held true"), 0);
	/* one that says no more, and one that is quick */
	scratch_write("program", "#!/bin/sh\nexec >/dev/null 2>&1\nsleep 1000\n");
	assert_int_equal(factory_program_run(&program, &err), -ETIMEDOUT);
	assert_int_equal(slow, 2);
	program.limit_seconds = 1000;
	program.slow = NULL;
	assert_int_equal(unlink("log"), 0);
	scratch_write("program", "#!/bin/sh\necho said; exit 7\n");
	assert_int_equal(factory_program_run(&program, &err), 7);
	check_error(&err, VERITY_E_IO, "program ended with status 7: said");
	assert_int_equal(stat("log", &st), 0);
	assert_int_equal(st.st_size, 5);
}

/* What reads a file system that somebody made does not take all memory, nor our process
 * with it where there is none. */
static void test_bounded(void **state)
{
	static const char *const paths[] = {"./program", NULL};
	struct factory_filesystem ext4 = {.type = "ext4"};
	struct factory_program program = {
		.paths = paths, .words = {"program"}, .bounded = true};
	struct verity_error err;

	(void)state;
	assert_true(factory_filesystem_check(&ext4, DEVICE).bounded);
	assert_true(factory_filesystem_repair(&ext4, DEVICE).bounded);
	scratch_write("program",
		      "#!/bin/sh\n"
		      "[ $(ulimit -v) != unlimited ] || exit 3\n"
		      "all=$(sed -n 's/MemTotal: *\\([0-9]*\\).*/\\1/p' "
		      "/proc/meminfo)\n"
		      "[ $(ulimit -v) -lt $all ] || exit 4\n"
		      "[ $(cat /proc/self/oom_score_adj) = 1000 ] || exit 5\n");
	assert_int_equal(chmod("program", 0755), 0);
	assert_int_equal(factory_program_run(&program, &err), 0);
	program.bounded = false;
	assert_int_not_equal(factory_program_run(&program, &err), 0);
}

/* By its name alone it is the program, and its options are others. */
static void test_busybox(void **state)
{
	static const char *const paths[] = {"mkfs.link", "mkfs.real", NULL};
	const struct factory_program program = {.paths = paths, .words = {"mkfs"}};
	struct verity_error err;

	(void)state;
	scratch_write("busybox", "#!/bin/sh\nexit 9\n");
	assert_int_equal(chmod("busybox", 0755), 0);
	assert_int_equal(symlink("busybox", "mkfs.link"), 0);
	assert_false(factory_program_there(&program));
	assert_int_equal(factory_program_run(&program, &err), -ENOENT);
	scratch_write("mkfs.real", "#!/bin/sh\nexit 4\n");
	assert_int_equal(chmod("mkfs.real", 0755), 0);
	assert_true(factory_program_there(&program));
	assert_int_equal(factory_program_run(&program, &err), 4);
	assert_int_equal(unlink("mkfs.link") | unlink("mkfs.real") | unlink("busybox"),
			 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),   cmocka_unit_test(test_busybox),
		cmocka_unit_test(test_run),     cmocka_unit_test(test_limit),
		cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("factory/filesystem", tests, scratch_enter,
					   scratch_leave);
}
