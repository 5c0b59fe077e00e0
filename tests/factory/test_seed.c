/* SPDX-License-Identifier: MIT */
#include "factory/seed.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include "overlay/fs/erase.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define SOURCE "root/etc/factory-config"
#define COPY   "data/config"
#define SEED   "data/.config.seed"

struct fixture {
	int root;
	int data;
};

/* root/etc and data, both empty. */
static int set_up(void **state)
{
	static struct fixture fixture;

	if (mkdir("root", 0755) < 0 || mkdir("root/etc", 0755) < 0 ||
	    mkdir("data", 0755) < 0)
		return -1;
	fixture.root = open("root", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fixture.data = open("data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fixture;
	return fixture.root < 0 || fixture.data < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	close(fixture->root);
	close(fixture->data);
	return overlay_erase_tree(AT_FDCWD, "root", false) < 0 ||
			       overlay_erase_tree(AT_FDCWD, "data", false) < 0
		       ? -1
		       : 0;
}

static int seed(const struct fixture *fixture, struct factory_seeded *ret,
		struct verity_error *err)
{
	return factory_seed(fixture->root, FACTORY_SEED_SOURCE, fixture->data,
			    FACTORY_SEED_TARGET, ret, err);
}

static void check_seeded(const struct fixture *fixture, bool wanted)
{
	struct factory_seeded seeded = {.seeded = !wanted};
	struct verity_error err;

	check_ok(seed(fixture, &seeded, &err), &err);
	assert_int_equal(seeded.seeded, wanted);
	assert_int_equal(seeded.left.things, 0);
	assert_int_equal(seeded.left.attributes, 0);
	assert_int_not_equal(access(SEED, F_OK), 0);
}

static void check_failed(const struct fixture *fixture, int wanted, enum verity_code code,
			 const char *message)
{
	struct factory_seeded seeded = {.seeded = true, .left = {.things = 99}};
	struct verity_error err;

	assert_int_equal(seed(fixture, &seeded, &err), wanted);
	check_error(&err, code, message);
	assert_true(seeded.seeded);
	assert_int_equal(seeded.left.things, 99);
	assert_int_not_equal(access(COPY, F_OK), 0);
	assert_int_not_equal(access(SEED, F_OK), 0);
}

static void check_text(const char *path, const char *wanted)
{
	char text[64] = "";
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, wanted);
}

static void check_link(const char *path, const char *wanted)
{
	char text[64] = "";

	assert_true(readlink(path, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, wanted);
}

static void set_look(const char *path, mode_t mode, time_t seconds)
{
	const struct timespec times[2] = {{seconds, 1000}, {seconds + 1, 2000}};

	if (mode)
		assert_int_equal(chmod(path, mode), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void check_look(const char *path, mode_t mode, time_t seconds)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), 0);
	if (mode)
		assert_int_equal(st.st_mode & 07777, mode);
	assert_int_equal(st.st_mtim.tv_sec, seconds + 1);
	assert_int_equal(st.st_mtim.tv_nsec, 2000);
	assert_int_equal(st.st_uid, getuid());
	assert_int_equal(st.st_gid, getgid());
}

static void test_tree(void **state)
{
	assert_int_equal(mkdir(SOURCE, 0700), 0);
	assert_int_equal(mkdir(SOURCE "/net", 0700), 0);
	assert_int_equal(mkdir(SOURCE "/empty", 0700), 0);
	scratch_write(SOURCE "/net/eth0", "dhcp\n");
	scratch_write(SOURCE "/secret", "hunter2\n");
	scratch_write(SOURCE "/nothing", "");
	assert_int_equal(symlink("net/eth0", SOURCE "/default"), 0);
	assert_int_equal(symlink("/nowhere", SOURCE "/dangling"), 0);
	set_look(SOURCE "/net/eth0", 0644, 1000);
	set_look(SOURCE "/secret", 0400, INT64_C(2208988800)); /* 2040 */
	set_look(SOURCE "/dangling", 0, 3000);
	set_look(SOURCE "/net", 0555, 4000);
	set_look(SOURCE "/empty", 01777, 5000);
	set_look(SOURCE, 0750, 6000);

	check_seeded(*state, true);
	check_text(COPY "/net/eth0", "dhcp\n");
	check_text(COPY "/secret", "hunter2\n");
	check_text(COPY "/nothing", "");
	check_link(COPY "/default", "net/eth0");
	check_link(COPY "/dangling", "/nowhere");
	check_look(COPY "/net/eth0", 0644, 1000);
	check_look(COPY "/secret", 0400, INT64_C(2208988800));
	check_look(COPY "/dangling", 0, 3000);
	check_look(COPY "/net", 0555, 4000);
	check_look(COPY "/empty", 01777, 5000);
	check_look(COPY, 0750, 6000);

	/* Whatever becomes of the source, what is there stays. */
	scratch_write(SOURCE "/new", "new\n");
	check_seeded(*state, false);
	assert_int_not_equal(access(COPY "/new", F_OK), 0);
}

static void test_attributes(void **state)
{
	static const char *const paths[] = {"/folder", "/file", ""};
	char path[64];
	char value[8] = "";

	assert_int_equal(mkdir(SOURCE, 0755), 0);
	assert_int_equal(mkdir(SOURCE "/folder", 0755), 0);
	scratch_write(SOURCE "/file", "");
	if (setxattr(SOURCE "/file", "user.note", "first", 5, 0) < 0) {
		print_message("/tmp takes no user attributes\n");
		skip();
	}
	assert_int_equal(setxattr(SOURCE "/file", "user.empty", "", 0, 0), 0);
	assert_int_equal(setxattr(SOURCE "/file", "user.overlay.x", "y", 1, 0), 0);
	assert_int_equal(setxattr(SOURCE "/folder", "user.note", "first", 5, 0), 0);
	assert_int_equal(setxattr(SOURCE, "user.note", "first", 5, 0), 0);
	check_seeded(*state, true);
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		snprintf(path, sizeof(path), COPY "%s", paths[i]);
		assert_int_equal(getxattr(path, "user.note", value, sizeof(value)), 5);
		assert_memory_equal(value, "first", 5);
	}
	assert_int_equal(getxattr(COPY "/file", "user.empty", value, sizeof(value)), 0);
	assert_int_equal(getxattr(COPY "/file", "user.overlay.x", value, sizeof(value)),
			 -1);
}

static void test_neither_file_nor_folder(void **state)
{
	struct factory_seeded seeded = {0};
	struct verity_error err;

	assert_int_equal(mkdir(SOURCE, 0755), 0);
	assert_int_equal(mkdir(SOURCE "/sub", 0755), 0);
	assert_int_equal(mkfifo(SOURCE "/sub/fifo", 0600), 0);
	scratch_write(SOURCE "/file", "text\n");
	check_ok(seed(*state, &seeded, &err), &err);
	assert_true(seeded.seeded);
	assert_int_equal(seeded.left.things, 1);
	assert_string_equal(seeded.left.first, "sub/fifo");
	check_text(COPY "/file", "text\n");
	assert_int_not_equal(access(COPY "/sub/fifo", F_OK), 0);
}

static void test_no_source(void **state)
{
	check_seeded(*state, false);
	assert_int_equal(rmdir("root/etc"), 0);
	check_seeded(*state, false);
	assert_int_not_equal(access(COPY, F_OK), 0);
}

static void test_empty_source(void **state)
{
	assert_int_equal(mkdir(SOURCE, 0700), 0);
	set_look(SOURCE, 0700, 7000);
	check_seeded(*state, true);
	check_look(COPY, 0700, 7000);
}

static void test_source_is_no_folder(void **state)
{
	scratch_write(SOURCE, "");
	check_failed(*state, -ENOTDIR, VERITY_E_IO,
		     "etc/factory-config: Not a directory");
	assert_int_equal(unlink(SOURCE), 0);
	assert_int_equal(symlink("/etc", SOURCE), 0);
	check_failed(
		*state, -EIO, VERITY_E_IO,
		"etc/factory-config: a symbolic link is on the way, and is not followed");
	assert_int_equal(unlink(SOURCE), 0);
	assert_int_equal(rmdir("root/etc"), 0);
	assert_int_equal(symlink("/etc", "root/etc"), 0);
	check_failed(
		*state, -EIO, VERITY_E_IO,
		"etc/factory-config: a symbolic link is on the way, and is not followed");
}

static void test_target_is_there(void **state)
{
	struct stat st;

	assert_int_equal(mkdir(SOURCE, 0755), 0);
	scratch_write(SOURCE "/file", "new\n");

	assert_int_equal(symlink("nowhere", COPY), 0);
	assert_int_equal(mkdir(SEED, 0755), 0);
	check_seeded(*state, false);
	check_link(COPY, "nowhere");
	assert_int_equal(unlink(COPY), 0);

	scratch_write(COPY, "a file\n");
	check_seeded(*state, false);
	check_text(COPY, "a file\n");
	assert_int_equal(unlink(COPY), 0);

	assert_int_equal(mkdir(COPY, 0711), 0);
	check_seeded(*state, false);
	assert_int_equal(stat(COPY, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0711);
	assert_int_not_equal(access(COPY "/file", F_OK), 0);
}

static void test_leftovers(void **state)
{
	assert_int_equal(mkdir(SOURCE, 0755), 0);
	scratch_write(SOURCE "/file", "new\n");
	scratch_write("root/outside", "stays\n");

	assert_int_equal(mkdir(SEED, 0700), 0);
	assert_int_equal(mkdir(SEED "/old", 0700), 0);
	scratch_write(SEED "/old/file", "old\n");
	scratch_write(SEED "/file", "half of it");
	assert_int_equal(symlink("../../root", SEED "/link"), 0);
	assert_int_equal(chmod(SEED "/old", 0), 0);
	check_seeded(*state, true);
	check_text(COPY "/file", "new\n");
	check_text("root/outside", "stays\n");
	assert_int_not_equal(access(COPY "/old", F_OK), 0);

	assert_int_equal(overlay_erase_tree(AT_FDCWD, COPY, false), 0);
	assert_int_equal(symlink("../root", SEED), 0);
	check_seeded(*state, true);
	check_text(COPY "/file", "new\n");
	check_text("root/outside", "stays\n");
}

/* As deep as can be, and one deeper. */
static void test_depth(void **state)
{
	char path[256] = SOURCE;
	char wanted[VERITY_MESSAGE_MAX] = ".config.seed: d";

	assert_int_equal(mkdir(path, 0755), 0);
	for (unsigned i = 0; i < OVERLAY_COPY_DEPTH_MAX; i++) {
		strcat(path, "/d");
		assert_int_equal(mkdir(path, 0755), 0);
	}
	check_seeded(*state, true);
	assert_int_equal(overlay_erase_tree(AT_FDCWD, COPY, false), 0);
	strcat(path, "/d");
	assert_int_equal(mkdir(path, 0755), 0);
	for (unsigned i = 0; i < OVERLAY_COPY_DEPTH_MAX; i++)
		strcat(wanted, "/d");
	strcat(wanted, ": over 32 folders deep");
	check_failed(*state, -EIO, VERITY_E_IO, wanted);
}

/* A file that does not fit: as on a full file system, and without one. */
static void test_no_room(void **state)
{
	struct rlimit before;
	struct rlimit limit;

	assert_int_equal(mkdir(SOURCE, 0755), 0);
	assert_int_equal(mkdir(SOURCE "/sub", 0755), 0);
	scratch_write(SOURCE "/sub/file", "more than a few bytes\n");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 8;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	check_failed(
		*state, -EFBIG, VERITY_E_NO_ROOM,
		".config.seed: sub/file: File too large (raise the limit on the size of files, ulimit "
		"-f, or that of the file system)");
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	signal(SIGXFSZ, SIG_DFL);
	check_seeded(*state, true);
	check_text(COPY "/sub/file", "more than a few bytes\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(tree),
		TEST(attributes),
		TEST(neither_file_nor_folder),
		TEST(no_source),
		TEST(empty_source),
		TEST(source_is_no_folder),
		TEST(target_is_there),
		TEST(leftovers),
		TEST(depth),
		TEST(no_room),
	};

	return cmocka_run_group_tests_name("factory/seed", tests, scratch_enter,
					   scratch_leave);
}
