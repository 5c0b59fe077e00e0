/* SPDX-License-Identifier: MIT */
#include "overlay/record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

/* Another folder, empty; the caller's to close. */
static int open_empty(void)
{
	static int number;
	struct verity_error err;
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "%d", number++);
	assert_int_equal(mkdir(name, 0700), 0);
	assert_int_equal(chdir(name), 0);
	check_ok(overlay_record_open(AT_FDCWD, true, &fd, &err), &err);
	assert_int_equal(chdir(".."), 0);
	return fd;
}

static void check_content(int fd, const char *name, const char *text)
{
	cleanup_free char *found = NULL;
	struct verity_error err;
	size_t size;

	check_ok(overlay_record_load(fd, name, 64, &found, &size, &err), &err);
	assert_int_equal(size, strlen(text));
	assert_string_equal(found, text);
}

/* What passes is no damage, or a record would be set aside for it. */
static void test_damage(void **state)
{
	static const int damage[] = {EBADMSG, EINVAL, EFBIG, EIO, EUCLEAN};
	static const int passes[] = {0, ENOENT, ENOMEM, EMFILE, ENFILE, EINTR, EACCES};

	(void)state;
	for (size_t i = 0; i < sizeof(damage) / sizeof(damage[0]); i++)
		assert_true(overlay_record_is_damage(-damage[i]));
	for (size_t i = 0; i < sizeof(passes) / sizeof(passes[0]); i++)
		assert_false(overlay_record_is_damage(-passes[i]));
}

/* Who only reads leaves no trace. */
static void test_open(void **state)
{
	struct verity_error err;
	struct stat st;
	int fd = -7;

	(void)state;
	assert_int_equal(overlay_record_open(AT_FDCWD, false, &fd, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "PERSIST/wmopkg: No such file or directory");
	assert_int_equal(fd, -7);
	check_ok(overlay_record_open(AT_FDCWD, true, &fd, &err), &err);
	assert_int_equal(fstat(fd, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	close(fd);
	check_ok(overlay_record_open(AT_FDCWD, true, &fd, &err), &err);
	close(fd);
}

static void test_open_link(void **state)
{
	struct verity_error err;
	int fd;

	(void)state;
	assert_int_equal(rename("wmopkg", "elsewhere"), 0);
	assert_int_equal(symlink("elsewhere", "wmopkg"), 0);
	assert_int_equal(overlay_record_open(AT_FDCWD, true, &fd, &err), -ENOTDIR);
	check_error(&err, VERITY_E_IO, "PERSIST/wmopkg: Not a directory");
}

static void test_replace(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	struct stat st;

	(void)state;
	check_ok(overlay_record_replace(fd, "floors.json", "old", 3, &err), &err);
	check_content(fd, "floors.json", "old");
	assert_int_equal(fstatat(fd, "floors.json", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	check_ok(overlay_record_replace(fd, "floors.json", "new one", 7, &err), &err);
	check_content(fd, "floors.json", "new one");
	check_ok(overlay_record_replace(fd, "floors.json", "", 0, &err), &err);
	check_content(fd, "floors.json", "");
	assert_int_equal(faccessat(fd, ".floors.json.new", F_OK, 0), -1);
}

/* What is in the way of a new file: it is neither followed nor written to. */
static void test_replace_leftover(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;

	(void)state;
	check_ok(overlay_record_replace(fd, "victim", "mine", 4, &err), &err);
	check_ok(overlay_record_replace(fd, ".a.new", "half of a longer tex", 20, &err),
		 &err);
	check_ok(overlay_record_replace(fd, "a", "whole", 5, &err), &err);
	check_content(fd, "a", "whole");
	assert_int_equal(symlinkat("victim", fd, ".a.new"), 0);
	check_ok(overlay_record_replace(fd, "a", "again", 5, &err), &err);
	check_content(fd, "a", "again");
	check_content(fd, "victim", "mine");
	assert_int_equal(faccessat(fd, ".a.new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
}

static void test_replace_in_place(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;

	(void)state;
	check_ok(overlay_record_replace(fd, "victim", "mine", 4, &err), &err);
	assert_int_equal(symlinkat("victim", fd, "a"), 0);
	check_ok(overlay_record_replace(fd, "a", "new", 3, &err), &err);
	check_content(fd, "a", "new");
	check_content(fd, "victim", "mine");
	assert_int_equal(mkdirat(fd, "b", 0700), 0);
	assert_int_equal(overlay_record_replace(fd, "b", "new", 3, &err), -EISDIR);
	check_error(&err, VERITY_E_IO, "b: Is a directory");
	assert_int_equal(faccessat(fd, ".b.new", F_OK, 0), -1);
}

static void test_overwrite(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	struct stat before, after;

	(void)state;
	assert_int_equal(overlay_record_overwrite(fd, "a", "x", 1, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "a: No such file or directory");
	check_ok(overlay_record_replace(fd, "a", "a longer text", 13, &err), &err);
	assert_int_equal(fstatat(fd, "a", &before, 0), 0);
	check_ok(overlay_record_overwrite(fd, "a", "short", 5, &err), &err);
	check_content(fd, "a", "short");
	check_ok(overlay_record_overwrite(fd, "a", "a text that is longer", 21, &err),
		 &err);
	check_content(fd, "a", "a text that is longer");
	assert_int_equal(fstatat(fd, "a", &after, 0), 0);
	assert_int_equal(after.st_ino, before.st_ino);
	assert_int_equal(symlinkat("a", fd, "link"), 0);
	assert_int_equal(overlay_record_overwrite(fd, "link", "x", 1, &err), -EINVAL);
	assert_int_equal(mkfifoat(fd, "fifo", 0600), 0);
	assert_int_equal(overlay_record_overwrite(fd, "fifo", "x", 1, &err), -EINVAL);
	assert_int_equal(linkat(fd, "a", fd, "other", 0), 0);
	assert_int_equal(overlay_record_overwrite(fd, "other", "x", 1, &err), -EMLINK);
	check_content(fd, "a", "a text that is longer");
}

static void test_replace_long_name(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	char name[256];

	(void)state;
	memset(name, 'a', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(overlay_record_replace(fd, name, "x", 1, &err), -ENAMETOOLONG);
}

/* A disk that is full leaves the old file, and nothing of the new one. */
static void test_replace_no_room(void **state)
{
	const struct rlimit small = {4, RLIM_INFINITY};
	const struct rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	int r;

	(void)state;
	check_ok(overlay_record_replace(fd, "a", "old", 3, &err), &err);
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = overlay_record_replace(fd, "a", "longer", 6, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
	assert_int_equal(r, -EFBIG);
	check_error(
		&err, VERITY_E_NO_ROOM,
		"a: writing at byte 4: File too large (raise the limit on the size of files, ulimit "
		"-f, or that of the file system)");
	check_content(fd, "a", "old");
	assert_int_equal(faccessat(fd, ".a.new", F_OK, 0), -1);
}

static void make_file(int fd)
{
	struct verity_error err;

	check_ok(overlay_record_replace(fd, "a", "12345", 5, &err), &err);
}

static void make_nothing(int fd)
{
	(void)fd;
}

static void make_link(int fd)
{
	struct verity_error err;

	check_ok(overlay_record_replace(fd, "b", "1234", 4, &err), &err);
	assert_int_equal(symlinkat("b", fd, "a"), 0);
}

static void make_dead_link(int fd)
{
	assert_int_equal(symlinkat("nowhere", fd, "a"), 0);
}

static void make_folder(int fd)
{
	assert_int_equal(mkdirat(fd, "a", 0700), 0);
}

static void make_pipe(int fd)
{
	assert_int_equal(mkfifoat(fd, "a", 0600), 0);
}

static void make_socket(int fd)
{
	assert_int_equal(mknodat(fd, "a", S_IFSOCK | 0600, 0), 0);
}

static const struct {
	const char *name;
	void (*make)(int fd);
	int result;
	enum verity_code code;
	const char *message;
} loads[] = {
	{"too long", make_file, -EFBIG, VERITY_E_IO, "a: over 4 bytes"},
	{"nothing", make_nothing, -ENOENT, VERITY_E_NOT_FOUND,
	 "a: No such file or directory"},
	{"link", make_link, -EINVAL, VERITY_E_NOT_A_FILE, "a: not a file"},
	{"dead link", make_dead_link, -EINVAL, VERITY_E_NOT_A_FILE, "a: not a file"},
	{"folder", make_folder, -EINVAL, VERITY_E_NOT_A_FILE, "a: not a file"},
	{"pipe", make_pipe, -EINVAL, VERITY_E_NOT_A_FILE, "a: not a file"},
	{"socket", make_socket, -EINVAL, VERITY_E_NOT_A_FILE, "a: not a file"},
};

static void test_load(void **state)
{
	char *found = NULL;
	size_t size = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
		cleanup_fd int fd = open_empty();
		struct verity_error err;

		print_message("%s\n", loads[i].name);
		loads[i].make(fd);
		assert_int_equal(overlay_record_load(fd, "a", 4, &found, &size, &err),
				 loads[i].result);
		check_error(&err, loads[i].code, loads[i].message);
		assert_null(found);
		assert_int_equal(size, 7);
	}
}

static void test_remove(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;

	(void)state;
	make_link(fd);
	check_ok(overlay_record_remove(fd, "a", &err), &err);
	check_content(fd, "b", "1234");
	assert_int_equal(faccessat(fd, "a", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	check_ok(overlay_record_remove(fd, "a", &err), &err);
	make_folder(fd);
	assert_int_equal(overlay_record_remove(fd, "a", &err), -EISDIR);
	check_error(&err, VERITY_E_IO, "a: Is a directory");
}

static void make_tree(int fd, const char *name)
{
	char inner[64];

	assert_int_equal(mkdirat(fd, name, 0700), 0);
	snprintf(inner, sizeof(inner), "%s/x", name);
	assert_int_equal(mkdirat(fd, inner, 0700), 0);
	assert_int_equal(symlinkat("../../outside", fd, "link"), 0);
	snprintf(inner, sizeof(inner), "%s/x/link", name);
	assert_int_equal(renameat(fd, "link", fd, inner), 0);
}

/* Folders that are not empty, wherever a name is needed; links in them lead nowhere. */
static void test_blocked(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	struct stat st;

	(void)state;
	assert_int_equal(mkdirat(fd, "../outside", 0700), 0);
	assert_int_equal(mkdirat(fd, "../outside/kept", 0700), 0);
	make_tree(fd, "a");
	make_tree(fd, "a.broken");
	make_tree(fd, ".a.new");
	check_ok(overlay_record_clear_folder(fd, "a", &err), &err);
	assert_int_equal(fstatat(fd, "a.broken/x/link", &st, AT_SYMLINK_NOFOLLOW), 0);
	check_ok(overlay_record_replace(fd, "a", "new", 3, &err), &err);
	check_content(fd, "a", "new");
	assert_int_equal(faccessat(fd, ".a.new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	/* a file over a folder, and a folder over a file */
	check_ok(overlay_record_set_aside(fd, "a", &err), &err);
	check_content(fd, "a.broken", "new");
	make_tree(fd, "a");
	check_ok(overlay_record_set_aside(fd, "a", &err), &err);
	check_ok(overlay_record_clear_folder(fd, "a", &err), &err);
	assert_int_equal(overlay_record_set_aside(fd, "a", &err), -ENOENT);
	assert_int_equal(fstatat(fd, "../outside/kept", &st, 0), 0);
}

static void make_many(int fd, const char *name)
{
	cleanup_fd int folder = -1;
	char file[16];

	assert_int_equal(mkdirat(fd, name, 0700), 0);
	folder = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < 1500; i++) {
		snprintf(file, sizeof(file), "%d", i);
		close(openat(folder, file, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	}
}

/* However many files there are, a boot deletes only so many. */
static void test_blocked_by_many(void **state)
{
	cleanup_fd int fd = open_empty();
	struct verity_error err;
	struct stat st;

	(void)state;
	make_many(fd, "a");
	make_many(fd, "a.broken");
	make_many(fd, ".a.new");
	check_ok(overlay_record_clear_folder(fd, "a", &err), &err);
	check_ok(overlay_record_replace(fd, "a", "new", 3, &err), &err);
	check_content(fd, "a", "new");
	assert_int_equal(fstatat(fd, "a.broken/0", &st, 0), 0);
	assert_int_equal(fstatat(fd, "a.broken.1", &st, 0), 0);
	assert_int_equal(fstatat(fd, ".a.new.1", &st, 0), 0);
	make_many(fd, ".a.new");
	check_ok(overlay_record_replace(fd, "a", "newer", 5, &err), &err);
	assert_int_equal(fstatat(fd, ".a.new.2", &st, 0), 0);
}

/* Whether the file system here has flags, and we may set them. */
static bool protect(int fd, const char *name, unsigned flag)
{
	cleanup_fd int file = openat(fd, name, O_RDONLY | O_CLOEXEC);
	unsigned flags = 0;

	if (ioctl(file, FS_IOC_GETFLAGS, &flags) < 0)
		return false;
	flags |= flag;
	return ioctl(file, FS_IOC_SETFLAGS, &flags) == 0;
}

static void test_protected(void **state)
{
	static const unsigned flags[] = {FS_IMMUTABLE_FL, FS_APPEND_FL};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		cleanup_fd int fd = open_empty();
		struct verity_error err;

		check_ok(overlay_record_replace(fd, "a", "old", 3, &err), &err);
		check_ok(overlay_record_replace(fd, "a.broken", "old", 3, &err), &err);
		check_ok(overlay_record_replace(fd, ".a.new", "old", 3, &err), &err);
		if (!protect(fd, "a", flags[i]))
			skip();
		assert_true(protect(fd, "a.broken", flags[i]));
		assert_true(protect(fd, ".a.new", flags[i]));
		assert_true(protect(fd, ".", flags[i]));
		check_ok(overlay_record_replace(fd, "a", "new", 3, &err), &err);
		check_content(fd, "a", "new");
		assert_true(protect(fd, "a", flags[i]));
		assert_true(protect(fd, ".", flags[i]));
		check_ok(overlay_record_set_aside(fd, "a", &err), &err);
		check_content(fd, "a.broken", "new");
		check_ok(overlay_record_replace(fd, "a", "new", 3, &err), &err);
		assert_true(protect(fd, "a", flags[i]));
		assert_true(protect(fd, ".", flags[i]));
		check_ok(overlay_record_remove(fd, "a", &err), &err);
	}
}

/* What a cut replacement leaves goes with the next boot; nothing else does. */
static void test_clean(void **state)
{
	static const char *const names[] = {".denylist.new", "..new", ".new",
					    "denylist",      "a.new", ".lock"};
	int fd = open_empty();

	(void)state;
	for (size_t i = 0; i < 6; i++)
		close(openat(fd, names[i], O_CREAT | O_WRONLY, 0600));
	assert_int_equal(mkdirat(fd, ".folder.new", 0700), 0);
	assert_int_equal(symlinkat("denylist", fd, ".link.new"), 0);
	overlay_record_clean(fd);
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(faccessat(fd, names[i], F_OK, 0), i < 2 ? -1 : 0);
	assert_int_equal(faccessat(fd, ".folder.new", F_OK, 0), 0);
	assert_int_equal(faccessat(fd, ".link.new", F_OK, AT_SYMLINK_NOFOLLOW), -1);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_link),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_replace_leftover),
		cmocka_unit_test(test_replace_in_place),
		cmocka_unit_test(test_overwrite),
		cmocka_unit_test(test_replace_long_name),
		cmocka_unit_test(test_replace_no_room),
		cmocka_unit_test(test_load),
		cmocka_unit_test(test_remove),
		cmocka_unit_test(test_blocked),
		cmocka_unit_test(test_blocked_by_many),
		cmocka_unit_test(test_protected),
		cmocka_unit_test(test_clean),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
