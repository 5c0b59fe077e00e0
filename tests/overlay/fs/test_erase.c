/* SPDX-License-Identifier: MIT */
#include "overlay/fs/erase.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define FOLDER "folder"
#define DEEP   2500 /* folders: their path is longer than any system call takes */
#define MANY   5000
#define LINE   300 /* folders next to each other, further down than stay open */

static int set_up(void **state)
{
	static int fd;

	if (mkdir(FOLDER, 0755) < 0)
		return -1;
	fd = open(FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fd;
	return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(*(int *)*state);
	return overlay_erase_tree(AT_FDCWD, FOLDER, false);
}

static void count(void *context, uint64_t deleted)
{
	*(uint64_t *)context = deleted;
}

static void check_empty(void)
{
	DIR *dir = opendir(FOLDER);
	unsigned names = 0;

	assert_non_null(dir);
	while (readdir(dir))
		names++;
	closedir(dir);
	assert_int_equal(names, 2); /* "." and ".." */
}

/* How many things were deleted; the folder is empty then. */
static uint64_t erase(int fd, const char *keep)
{
	uint64_t deleted = 0;
	const struct overlay_eraser eraser = {
		.keep = keep, .progress = count, .context = &deleted};
	struct verity_error err;

	check_ok(overlay_erase_below(fd, &eraser, &err), &err);
	if (!keep)
		check_empty();
	return deleted;
}

static int make_folder(int dir_fd, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dir_fd, name, 0755), 0);
	fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void make_file(int dir_fd, const char *name)
{
	int fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	close(fd);
}

/* @fd: taken; that of the lowest is returned */
static int go_down(int fd, unsigned levels)
{
	for (unsigned i = 0; i < levels; i++) {
		int below = make_folder(fd, "d");

		close(fd);
		fd = below;
	}
	return fd;
}

static void test_nothing(void **state)
{
	assert_int_equal(erase(*(int *)*state, NULL), 0);
	assert_int_equal(overlay_erase_tree(AT_FDCWD, "nothing", false), 0);
}

static void test_everything(void **state)
{
	int fd = *(int *)*state;
	int sub = make_folder(fd, "sub");

	scratch_write("outside", "stays\n");
	assert_int_equal(mkdir("outside-folder", 0755), 0);
	scratch_write("outside-folder/file", "stays\n");
	make_file(fd, "file");
	make_file(sub, "file");
	assert_int_equal(symlinkat("../outside", fd, "link"), 0);
	assert_int_equal(symlinkat("../../outside-folder", sub, "link"), 0);
	assert_int_equal(symlinkat("/nowhere", sub, "dangling"), 0);
	assert_int_equal(mkfifoat(sub, "fifo", 0600), 0);
	assert_int_equal(mkdirat(sub, "closed", 0), 0);
	assert_int_equal(mkdirat(sub, "read-only", 0755), 0);
	make_file(sub, "read-only/file");
	assert_int_equal(fchmodat(sub, "read-only", 0555, 0), 0);
	assert_int_equal(linkat(sub, "file", sub, "hard", 0), 0);
	assert_int_equal(fchmodat(sub, "file", 0, 0), 0);
	close(sub);
	assert_int_equal(erase(fd, NULL), 11);
	assert_int_equal(access("outside", F_OK), 0);
	assert_int_equal(access("outside-folder/file", F_OK), 0);
	assert_int_equal(overlay_erase_tree(AT_FDCWD, "outside-folder", false), 0);
	assert_int_equal(overlay_erase_tree(AT_FDCWD, "outside", false), 0);
}

/* A name may hold any byte but two. */
static void test_names(void **state)
{
	int fd = *(int *)*state;
	char name[NAME_MAX + 1];
	uint64_t made = 0;

	for (unsigned byte = 1; byte < 256; byte++) {
		int folder;

		if (byte == '/' || byte == '.')
			continue;
		snprintf(name, sizeof(name), "%c", (int)byte);
		folder = make_folder(fd, name);
		make_file(folder, name);
		close(folder);
		made += 2;
	}
	memset(name, 0xff, NAME_MAX);
	name[NAME_MAX] = '\0';
	make_file(fd, name);
	make_file(fd, "...");
	make_file(fd, "..\n");
	assert_int_equal(erase(fd, NULL), made + 3);
}

static void test_depth(void **state)
{
	int fd = *(int *)*state;
	int lowest = go_down(dup(fd), DEEP);

	make_file(lowest, "file");
	close(lowest);
	assert_int_equal(erase(fd, NULL), DEEP + 1);

	lowest = go_down(dup(fd), DEEP);
	close(lowest);
	assert_int_equal(overlay_erase_tree(fd, "d", false), 0);
	assert_int_equal(erase(fd, NULL), 0);
}

/* Many folders in one that is deeper than folders stay open. */
static void test_deep_and_wide(void **state)
{
	int fd = *(int *)*state;
	int lowest = go_down(dup(fd), 40);
	char name[16];

	for (unsigned i = 0; i < LINE; i++) {
		int folder;

		snprintf(name, sizeof(name), "%u", i);
		folder = make_folder(lowest, name);
		make_file(folder, "file");
		close(folder);
	}
	close(lowest);
	assert_int_equal(erase(fd, NULL), 40 + 2 * LINE);
}

/* Neither descriptors nor memory grow with how many there are. */
static void test_many(void **state)
{
	int fd = *(int *)*state;
	struct rlimit before, few;
	char name[16];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "%u", i);
		make_file(fd, name);
	}
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	few = before;
	few.rlim_cur = 64;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	close(go_down(dup(fd), DEEP));
	assert_int_equal(erase(fd, NULL), MANY + DEEP);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void test_kept(void **state)
{
	int fd = *(int *)*state;
	int kept = make_folder(fd, "kept");
	struct stat st;

	make_file(kept, "file");
	assert_int_equal(mkdirat(kept, "kept", 0755), 0);
	make_file(kept, "kept/file");
	make_file(fd, "other");
	assert_int_equal(fchmod(kept, 0777), 0);
	assert_int_equal(erase(fd, "kept"), 4);
	assert_int_equal(fstat(kept, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(unlinkat(fd, "kept", AT_REMOVEDIR), 0);
	close(kept);

	/* what has its name and is no folder does not */
	assert_int_equal(symlinkat("..", fd, "kept"), 0);
	assert_int_equal(erase(fd, "kept"), 1);
	make_file(fd, "kept");
	assert_int_equal(erase(fd, "kept"), 1);
	assert_int_equal(erase(fd, NULL), 0);
}

/* At the top only, and whatever it is. */
static void test_spared(void **state)
{
	static const struct overlay_eraser eraser = {.spare = "spared"};
	int fd = *(int *)*state;
	struct verity_error err;

	assert_int_equal(mkdirat(fd, "below", 0700), 0);
	make_file(fd, "below/spared");
	make_file(fd, "other");
	assert_int_equal(mkdirat(fd, "spared", 0700), 0);
	make_file(fd, "spared/file");
	check_ok(overlay_erase_below(fd, &eraser, &err), &err);
	assert_int_equal(faccessat(fd, "spared/file", F_OK, 0), 0);
	assert_int_equal(faccessat(fd, "below", F_OK, 0), -1);
	assert_int_equal(faccessat(fd, "other", F_OK, 0), -1);
	assert_int_equal(erase(fd, NULL), 2);
	assert_int_equal(symlinkat("/nowhere", fd, "spared"), 0);
	check_ok(overlay_erase_below(fd, &eraser, &err), &err);
	assert_int_equal(faccessat(fd, "spared", F_OK, AT_SYMLINK_NOFOLLOW), 0);
	assert_int_equal(erase(fd, NULL), 1);
}

static void test_no_folder(void **state)
{
	cleanup_fd int file = -1;
	const struct overlay_eraser eraser = {.force = false};
	struct verity_error err;

	(void)state;
	scratch_write("file", "");
	file = open("file", O_RDONLY | O_CLOEXEC);
	assert_int_equal(overlay_erase_below(file, &eraser, &err), -ENOTDIR);
	check_error(&err, VERITY_E_IO, "reading it: Not a directory");
	assert_int_equal(overlay_erase_tree(AT_FDCWD, "file", false), 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(nothing), TEST(everything),    TEST(names),
		TEST(depth),   TEST(deep_and_wide), TEST(many),
		TEST(kept),    TEST(spared),        TEST(no_folder),
	};

	return cmocka_run_group_tests_name("overlay/fs/erase", tests, scratch_enter,
					   scratch_leave);
}
