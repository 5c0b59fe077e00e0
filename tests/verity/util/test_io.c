/* SPDX-License-Identifier: MIT */
#include "verity/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "verity/util/cleanup.h"

static char folder[] = "/tmp/wmopkg-test-io.XXXXXX";

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && chdir(folder) == 0 ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	unlink("file");
	unlink("pipe");
	return chdir("/") == 0 ? rmdir(folder) : -1;
}

/* A limit of ours is no lack of room on a disk. */
static void test_load(void **state)
{
	cleanup_fd int fd = open("file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size = 0;

	(void)state;
	assert_int_equal(write(fd, "12345", 5), 5);
	check_ok(verity_io_load(AT_FDCWD, "file", 5, &text, &size, &err), &err);
	assert_int_equal(size, 5);
	assert_string_equal(text, "12345");
	assert_int_equal(verity_io_load(AT_FDCWD, "file", 4, &text, &size, &err), -EFBIG);
	check_error(&err, VERITY_E_IO, "file: over 4 bytes");
	assert_int_equal(size, 5);
}

/* Returns at once, though nobody will ever write to the pipe. */
static void test_load_no_file(void **state)
{
	struct verity_error err;
	char *text = NULL;
	size_t size;

	(void)state;
	assert_int_equal(mkfifo("pipe", 0600), 0);
	assert_int_equal(verity_io_load(AT_FDCWD, "pipe", 4, &text, &size, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_NOT_A_FILE, "pipe: not a file");
	assert_int_equal(verity_io_load(AT_FDCWD, "none", 4, &text, &size, &err),
			 -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "none: No such file or directory");
	assert_null(text);
}

/* A file, a link or a leftover in the way is replaced; the target of a link is not. */
static void test_replace(void **state)
{
	static const char *const before[] = {NULL, "a file", "a link", "a leftover"};
	struct verity_error err;
	cleanup_fd int dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		cleanup_free char *text = NULL;
		struct stat st;
		size_t size;

		unlink("file");
		if (i == 1)
			check_ok(verity_io_replace(dirfd, "file", 0644, "older", 5, &err),
				 &err);
		if (i == 2)
			assert_int_equal(symlink("target", "file"), 0);
		if (i == 3)
			assert_int_equal(symlink("target", ".file.new"), 0);
		check_ok(verity_io_replace(dirfd, "file", 0600, "new", 3, &err), &err);
		check_ok(verity_io_load(dirfd, "file", 9, &text, &size, &err), &err);
		assert_string_equal(text, "new");
		assert_int_equal(lstat("file", &st), 0);
		assert_true(S_ISREG(st.st_mode));
		assert_int_equal(st.st_mode & 0777, 0600);
		assert_int_equal(access(".file.new", F_OK), -1);
		assert_int_equal(access("target", F_OK), -1);
	}
}

/* What cannot be replaced stays, and nothing is left beside it. */
static void test_replace_fails(void **state)
{
	cleanup_fd int dirfd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct verity_error err;
	char name[256];

	(void)state;
	unlink("file");
	assert_int_equal(mkdir("file", 0700), 0);
	assert_int_equal(verity_io_replace(dirfd, "file", 0600, "new", 3, &err), -EISDIR);
	check_error(&err, VERITY_E_IO, "file: Is a directory");
	assert_int_equal(access(".file.new", F_OK), -1);
	assert_int_equal(rmdir("file"), 0);
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(verity_io_replace(dirfd, name, 0600, "new", 3, &err),
			 -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_no_file),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_replace_fails),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
