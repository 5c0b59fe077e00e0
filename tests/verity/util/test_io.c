/* SPDX-License-Identifier: MIT */
#include "verity/util/io.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
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

/* Whether anything was opened since the last time; O_PATH is no opening. */
static bool was_opened(int watch)
{
	char events[4096] __attribute__((aligned(8)));

	return read(watch, events, sizeof(events)) > 0;
}

/*
 * What is no file is not opened, not even to find that out: a device does something then,
 * and a pipe lets its writer go on.
 */
static void test_open_no_file(void **state)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_CREAT,
				    O_RDONLY | O_NOFOLLOW};
	static const char *const names[] = {"pipe", "socket", "terminal", "folder"};
	cleanup_fd int watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	cleanup_fd int terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	struct verity_error err;
	struct stat st;
	int fd = -7;

	(void)state;
	assert_int_equal(unlockpt(terminal), 0);
	assert_int_equal(symlink(ptsname(terminal), "terminal"), 0);
	(void)mkfifo("pipe", 0600);
	assert_int_equal(mknod("socket", S_IFSOCK | 0600, 0), 0);
	assert_int_equal(mkdir("folder", 0700), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_true(inotify_add_watch(watch, names[i], IN_OPEN) >= 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t k = 0; k < sizeof(flags) / sizeof(flags[0]); k++) {
			char message[32];

			snprintf(message, sizeof(message), "%s: not a file", names[i]);
			memset(&st, 0, sizeof(st));
			assert_int_equal(verity_io_open(AT_FDCWD, names[i], flags[k], &fd,
							&st, &err),
					 -EINVAL);
			check_error(&err, VERITY_E_NOT_A_FILE, message);
			assert_int_equal(fd, -7);
			assert_true(st.st_mode != 0 && !S_ISREG(st.st_mode));
			if (was_opened(watch))
				fail_msg("%s was opened, %zu", names[i], k);
		}
	}
	fd = open("pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	close(fd);
	assert_true(was_opened(watch)); /* the watch does see it */
	for (size_t i = 0; i < 3; i++)
		unlink(names[i]);
	rmdir("folder");
}

static void test_open(void **state)
{
	struct verity_error err;
	struct stat st;
	char text[8] = "";
	int fd;

	(void)state;
	unlink("file");
	assert_int_equal(verity_io_open(AT_FDCWD, "file", O_RDONLY, &fd, &st, &err),
			 -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "file: No such file or directory");
	check_ok(verity_io_open(AT_FDCWD, "file", O_RDWR | O_CREAT | O_NOFOLLOW, &fd, &st,
				&err),
		 &err);
	assert_int_equal(st.st_mode, S_IFREG | 0600);
	assert_int_equal(write(fd, "12345", 5), 5);
	close(fd);
	/* One that exists is not emptied. */
	check_ok(verity_io_open(AT_FDCWD, "file", O_WRONLY | O_CREAT, &fd, &st, &err),
		 &err);
	assert_int_equal(st.st_size, 5);
	close(fd);
	assert_int_equal(symlink("file", "link"), 0);
	check_ok(verity_io_open(AT_FDCWD, "link", O_RDONLY, &fd, NULL, &err), &err);
	assert_int_equal(read(fd, text, sizeof(text)), 5);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_int_equal(
		verity_io_open(AT_FDCWD, "link", O_RDONLY | O_NOFOLLOW, &fd, &st, &err),
		-EINVAL);
	check_error(&err, VERITY_E_NOT_A_FILE, "link: not a file");
	assert_true(S_ISLNK(st.st_mode));
	/* A link to nothing creates nothing. */
	unlink("file");
	assert_int_equal(
		verity_io_open(AT_FDCWD, "link", O_WRONLY | O_CREAT, &fd, NULL, &err),
		-ENOENT);
	assert_int_equal(access("file", F_OK), -1);
	unlink("link");
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
		cmocka_unit_test(test_load),         cmocka_unit_test(test_load_no_file),
		cmocka_unit_test(test_open_no_file), cmocka_unit_test(test_open),
		cmocka_unit_test(test_replace),      cmocka_unit_test(test_replace_fails),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
