/* SPDX-License-Identifier: MIT */
#include "overlay/record/unchecked.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

static void change(const char *path, off_t at, const char *bytes, size_t count)
{
	cleanup_fd int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_int_equal(pwrite(fd, bytes, count, at), count);
}

/* The same file system, until it is checked, mounted, or another one. */
static void test_which(void **state)
{
	static const struct {
		off_t at;
		bool is;
	} cases[] = {
		{1024 + 0x68, false}, {1024 + 0x77, false},
		{1024 + 0x40, false}, {1024 + 0x34, false},
		{1024 + 0x3a, true},  {1024 + 0x30, true},
		{1024 + 0x78, true},  {0, true},
	};
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint8_t id[OVERLAY_UNCHECKED_BYTES];
	struct verity_error err;
	bool spent;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_fd int fd = -1;

		change("device", 4095, "", 1);
		fd = open("device", O_RDONLY | O_CLOEXEC);
		assert_false(overlay_unchecked_is(here, "device"));
		check_ok(overlay_unchecked_read(fd, id, &err), &err);
		check_ok(overlay_unchecked_store(here, id, i % 2, &err), &err);
		assert_true(overlay_unchecked_is(here, "device"));
		assert_true(overlay_unchecked_has(here, id, &spent));
		assert_int_equal(spent, i % 2);
		change("device", cases[i].at, "x", 1);
		assert_int_equal(overlay_unchecked_is(here, "device"), cases[i].is);
		assert_int_equal(unlink("device") | unlink("unchecked"), 0);
	}
}

static void test_none(void **state)
{
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_fd int fd = -1;
	uint8_t id[OVERLAY_UNCHECKED_BYTES] = {0};
	struct verity_error err;

	(void)state;
	assert_false(overlay_unchecked_exists(here));
	assert_false(overlay_unchecked_exists(-1));
	assert_false(overlay_unchecked_is(-1, "device"));
	/* a folder in its place, and one that is too short */
	assert_int_equal(mkdir("unchecked", 0700), 0);
	check_ok(overlay_unchecked_store(here, id, false, &err), &err);
	assert_true(overlay_unchecked_exists(here));
	assert_false(overlay_unchecked_is(here, "no-such"));
	change("device", 2046, "", 1);
	assert_false(overlay_unchecked_is(here, "device"));
	fd = open("device", O_RDONLY | O_CLOEXEC);
	assert_int_equal(overlay_unchecked_read(fd, id, &err), -EIO);
	change("device", 2047, "", 1);
	assert_true(overlay_unchecked_is(here, "device"));
	scratch_write("unchecked", "x");
	assert_false(overlay_unchecked_is(here, "device"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_which),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
