/* SPDX-License-Identifier: MIT */
#include "overlay/store/change_set.h"
#include "overlay/store/kept.h"
#include "overlay/store/set_journal.h"
#include "overlay/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/stat.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

struct fixture {
	int data;
	int persist;
	struct overlay_store *store;
};

static int set_up(void **state)
{
	static struct fixture fixture;
	static int number;
	char folder[32];
	struct verity_error err;

	snprintf(folder, sizeof(folder), "d%d", number++);
	if (mkdir(folder, 0755) < 0 || chdir(folder) < 0 || mkdir("data", 0755) < 0 ||
	    mkdir("persist", 0755) < 0)
		return -1;
	fixture.data = open("data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fixture.persist = open("persist", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	check_ok(overlay_store_open(fixture.data, fixture.persist, &fixture.store, &err),
		 &err);
	overlay_store_set_run(fixture.store, "run");
	*state = &fixture;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *fixture = *state;

	overlay_store_free(fixture->store);
	close(fixture->data);
	close(fixture->persist);
	return chdir("..");
}

static void install(struct fixture *fixture, enum overlay_store_kind kind,
		    const char *name, const char *text)
{
	struct overlay_incoming *incoming = NULL;
	struct verity_error err;
	int fd;

	check_ok(overlay_incoming_new(fixture->store, kind, name, &incoming, &err), &err);
	fd = overlay_incoming_fd(incoming);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	check_ok(overlay_incoming_commit(incoming, &err), &err);
	overlay_incoming_free(incoming);
}

static void check_file(const char *path, const char *wanted)
{
	char text[64] = "";
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	assert_string_equal(text, wanted);
}

static size_t count_entries(struct fixture *fixture)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct verity_error err;
	size_t count = 99;

	check_ok(overlay_store_list(fixture->store, &entries, &count, &err), &err);
	return count;
}

static void test_empty(void **state)
{
	struct overlay_entry entry = {.name = "a", .kind = OVERLAY_ORDINARY};
	struct fixture *fixture = *state;
	struct verity_error err;

	assert_int_equal(count_entries(fixture), 0);
	assert_int_equal(overlay_store_folder(fixture->store, OVERLAY_ORDINARY), -1);
	assert_int_equal(overlay_store_find(fixture->store, "a", &entry, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "package 'a' is not installed");
	assert_int_equal(overlay_store_remove(fixture->store, &entry, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "package 'a' is not installed");
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
}

static void test_add_and_list(void **state)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct fixture *fixture = *state;
	struct overlay_entry entry;
	struct verity_error err;
	struct stat st;
	size_t count = 0;

	install(fixture, OVERLAY_ORDINARY, "b", "one");
	install(fixture, OVERLAY_ORDINARY, "c", "two");
	install(fixture, OVERLAY_PERSISTENT, "b", "three");
	install(fixture, OVERLAY_PERSISTENT, "a", "four");
	scratch_write("data/packages/no package.wmopkg", "");
	scratch_write("data/packages/README", "");
	scratch_write("data/packages/.hidden.wmopkg", "");

	check_ok(overlay_store_list(fixture->store, &entries, &count, &err), &err);
	assert_int_equal(count, 3);
	assert_string_equal(entries[0].name, "a");
	assert_string_equal(entries[1].name, "b");
	assert_int_equal(entries[1].kind, OVERLAY_PERSISTENT);
	assert_string_equal(entries[2].name, "c");
	assert_int_equal(access("data/packages/b.wmopkg", F_OK), -1);
	check_file("persist/packages/b.wmopkg", "three");
	assert_int_equal(stat("data/packages/c.wmopkg", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);

	check_ok(overlay_store_find(fixture->store, "b", &entry, &err), &err);
	assert_int_equal(entry.kind, OVERLAY_PERSISTENT);
	check_ok(overlay_store_find(fixture->store, "c", &entry, &err), &err);
	assert_int_equal(entry.kind, OVERLAY_ORDINARY);
	assert_int_equal(overlay_store_find(fixture->store, "../x", &entry, &err),
			 -ENOENT);
}

static char debug[8192];

static void keep(const char *line)
{
	strncat(debug, line, sizeof(debug) - strlen(debug) - 1);
}

/* Of each name that is no package's, and of nothing else. */
static void test_debug(void **state)
{
	struct fixture *fixture = *state;
	cleanup_free struct overlay_entry *entries = NULL;
	struct verity_error err;
	size_t count;

	install(fixture, OVERLAY_ORDINARY, "b", "b");
	close(open("data/packages/other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
	debug[0] = '\0';
	verity_debug_start(keep);
	check_ok(overlay_store_list(fixture->store, &entries, &count, &err), &err);
	check_ok(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), &err);
	verity_debug_start(NULL);
	assert_int_equal(count, 1);
	assert_non_null(strstr(debug, "bad-name): other: "));
	assert_null(strstr(debug, "bad-name): ."));
}

static void test_replace_and_remove(void **state)
{
	struct fixture *fixture = *state;
	struct overlay_entry entry;
	struct verity_error err;

	install(fixture, OVERLAY_ORDINARY, "a", "old");
	install(fixture, OVERLAY_ORDINARY, "a", "new");
	check_file("data/packages/a.wmopkg", "new");
	assert_int_equal(count_entries(fixture), 1);
	check_ok(overlay_store_find(fixture->store, "a", &entry, &err), &err);
	check_ok(overlay_store_remove(fixture->store, &entry, &err), &err);
	assert_int_equal(count_entries(fixture), 0);
	assert_int_equal(overlay_store_remove(fixture->store, &entry, &err), -ENOENT);
}

static void test_given_up(void **state)
{
	struct overlay_incoming *incoming = NULL;
	struct fixture *fixture = *state;
	struct verity_error err;

	install(fixture, OVERLAY_ORDINARY, "a", "old");
	check_ok(overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "a", &incoming,
				      &err),
		 &err);
	assert_int_equal(write(overlay_incoming_fd(incoming), "half", 4), 4);
	assert_int_equal(access("data/packages/.a.wmopkg.new", F_OK), 0);
	overlay_incoming_free(incoming);
	assert_int_equal(access("data/packages/.a.wmopkg.new", F_OK), -1);
	check_file("data/packages/a.wmopkg", "old");
}

static void test_busy(void **state)
{
	static const char busy[] = "another installation is under way: installing";
	char wanted[32];
	struct overlay_incoming *first = NULL;
	struct overlay_incoming *second = NULL;
	struct fixture *fixture = *state;
	struct verity_error err;

	/* whatever has loaded this program */
	assert_int_equal(prctl(PR_SET_NAME, "installing"), 0);
	check_ok(
		overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "a", &first, &err),
		&err);
	assert_int_equal(overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "b",
					      &second, &err),
			 -EBUSY);
	/* and who has it: these tests */
	snprintf(wanted, sizeof(wanted), ", process %d", (int)getpid());
	assert_int_equal(err.code, VERITY_E_BUSY);
	assert_memory_equal(err.message, busy, strlen(busy));
	assert_non_null(strstr(err.message, wanted));
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err),
			 -EBUSY);
	overlay_incoming_free(first);
	check_ok(overlay_incoming_new(fixture->store, OVERLAY_PERSISTENT, "b", &second,
				      &err),
		 &err);
	/* a package may move from one store to the other, so both are locked */
	assert_int_equal(
		overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "b", &first, &err),
		-EBUSY);
	overlay_incoming_free(second);
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
}

static void test_leftovers(void **state)
{
	struct fixture *fixture = *state;
	struct verity_error err;

	install(fixture, OVERLAY_ORDINARY, "a", "kept");
	scratch_write("data/packages/.b.wmopkg.new", "cut off");
	scratch_write("data/packages/.c.wmopkg.new", "cut off");
	assert_int_equal(mkdir("persist/packages", 0755), 0);
	scratch_write("persist/packages/.b.wmopkg.new", "cut off");
	scratch_write("data/packages/.wmopkg.new", "not of ours");
	scratch_write("data/packages/notes.new", "not of ours");
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 2);
	check_file("persist/packages/.b.wmopkg.new", "cut off");
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_PERSISTENT, &err),
			 1);
	assert_int_equal(access("data/packages/.wmopkg.new", F_OK), 0);
	assert_int_equal(access("data/packages/notes.new", F_OK), 0);
	check_file("data/packages/a.wmopkg", "kept");
	scratch_write("data/packages/.b.wmopkg.new", "cut off");
	install(fixture, OVERLAY_ORDINARY, "c", "other");
	assert_int_equal(access("data/packages/.b.wmopkg.new", F_OK), -1);
}

/*
 * What a move left behind is in no list, and goes when the persistent one is known to be
 * a package, or is removed. Whatever else has its name on PERSIST costs DATA nothing.
 */
static void test_moved(void **state)
{
	struct fixture *fixture = *state;
	struct overlay_entry entry;
	struct verity_error err;

	install(fixture, OVERLAY_ORDINARY, "b", "other");
	install(fixture, OVERLAY_PERSISTENT, "a", "persistent");
	scratch_write("data/packages/a.wmopkg", "left");
	assert_int_equal(count_entries(fixture), 2);
	check_ok(overlay_store_find(fixture->store, "a", &entry, &err), &err);
	assert_int_equal(entry.kind, OVERLAY_PERSISTENT);
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
	install(fixture, OVERLAY_ORDINARY, "b", "other");
	check_file("data/packages/a.wmopkg", "left");
	check_ok(overlay_store_clear_moved(fixture->store, "a", &err), &err);
	assert_int_equal(access("data/packages/a.wmopkg", F_OK), -1);
	check_ok(overlay_store_clear_moved(fixture->store, "a", &err), &err);
	check_file("data/packages/b.wmopkg", "other");

	scratch_write("data/packages/a.wmopkg", "left");
	check_ok(overlay_store_remove(fixture->store, &entry, &err), &err);
	assert_int_equal(count_entries(fixture), 1);
	assert_int_equal(access("data/packages/a.wmopkg", F_OK), -1);

	/* a folder is no package that took the place of another */
	assert_int_equal(mkdir("persist/packages/b.wmopkg", 0755), 0);
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
	check_file("data/packages/b.wmopkg", "other");
}

/* Of too many changes the oldest are forgotten. */
static void test_kept_limit(void **state)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0}, read;
	struct overlay_kept_item item = {.change = 1, .name = "a"};
	struct verity_error err;

	(void)state;
	for (; item.change <= OVERLAY_KEPT_MAX + 5; item.change++)
		check_ok(overlay_kept_add(&kept, &item, &err), &err);
	assert_int_equal(kept.count, OVERLAY_KEPT_MAX);
	assert_int_equal(kept.items[0].change, 6);
	assert_null(overlay_kept_find(&kept, 5, "a"));
	check_ok(overlay_kept_store(".", &kept, &err), &err);
	check_ok(overlay_kept_load(".", &read, &err), &err);
	assert_int_equal(read.count, OVERLAY_KEPT_MAX);
	assert_true(overlay_kept_equal(&read.items[7], &kept.items[7]));
	overlay_kept_free(&read);
	overlay_kept_forget(".");
	check_ok(overlay_kept_load(".", &read, &err), &err);
	assert_int_equal(read.count, 0);
}

/* What is asked before a file is deleted, and deleting, as on a volume of that kind. */
static struct {
	ino_t read_only; /* a folder; 0: none */
	ino_t immutable; /* a folder whose files cannot be deleted */
	size_t refused;  /* how many were not */
	bool no_links;   /* as vfat */
} volumes;

int __real_unlinkat(int dirfd, const char *name, int flags);
int __wrap_unlinkat(int dirfd, const char *name, int flags);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __real_faccessat(int dirfd, const char *name, int mode, int flags);
int __wrap_faccessat(int dirfd, const char *name, int mode, int flags);

static ino_t inode_of(int dirfd)
{
	struct stat st;

	assert_int_equal(fstat(dirfd, &st), 0);
	return st.st_ino;
}

/* A read-only volume says so before it looks for the name. */
int __wrap_unlinkat(int dirfd, const char *name, int flags)
{
	ino_t inode = dirfd >= 0 ? inode_of(dirfd) : 0;
	struct stat st;

	if (inode && inode == volumes.read_only) {
		errno = EROFS;
		return -1;
	}
	if (inode && inode == volumes.immutable &&
	    fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		volumes.refused++;
		errno = EPERM;
		return -1;
	}
	return __real_unlinkat(dirfd, name, flags);
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	ino_t inode = from_fd >= 0 ? inode_of(from_fd) : 0;

	if (inode && (inode == volumes.read_only || inode == volumes.immutable)) {
		errno = inode == volumes.read_only ? EROFS : EPERM;
		return -1;
	}
	return __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	if (volumes.no_links) {
		errno = EPERM;
		return -1;
	}
	return __real_linkat(from_fd, from, to_fd, to, flags);
}

int __wrap_faccessat(int dirfd, const char *name, int mode, int flags)
{
	if ((mode & W_OK) && inode_of(dirfd) == volumes.read_only) {
		errno = EROFS;
		return -1;
	}
	return __real_faccessat(dirfd, name, mode, flags);
}

/* What such a file system cannot keep is replaced all the same, and its undo says why. */
static void test_no_links(void **state)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct fixture *fixture = *state;
	struct verity_error err;

	assert_int_equal(mkdir("data/packages", 0755), 0);
	scratch_write("data/packages/a.wmopkg", "old");
	volumes.no_links = true;
	install(fixture, OVERLAY_ORDINARY, "a", "new");
	volumes.no_links = false;
	check_file("data/packages/a.wmopkg", "new");
	check_ok(overlay_store_last_change(fixture->store, &kept, &err), &err);
	assert_int_equal(kept.count, 1);
	assert_int_equal(kept.items[0].lost, OVERLAY_KEPT_UNABLE);
	assert_int_equal(overlay_store_undo(fixture->store, &kept.items[0], &err),
			 -EOPNOTSUPP);
	assert_string_equal(err.message, "the file system could not keep its file");
	check_file("data/packages/a.wmopkg", "new");
}

static ino_t inode_at(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return st.st_ino;
}

static void check_install_fails(struct fixture *fixture, int wanted, const char *message)
{
	struct overlay_incoming *incoming = NULL;
	struct verity_error err;

	check_ok(overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "a", &incoming,
				      &err),
		 &err);
	assert_int_equal(write(overlay_incoming_fd(incoming), "new", 3), 3);
	assert_int_equal(overlay_incoming_commit(incoming, &err), wanted);
	assert_string_equal(err.message, message);
	overlay_incoming_free(incoming);
	assert_int_equal(access("data/packages/.a.wmopkg.new", F_OK), -1);
}

/* What cannot be taken out of the persistent store stays, and costs DATA nothing. */
static void test_move_fails(void **state)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct fixture *fixture = *state;
	struct overlay_entry entry;
	struct verity_error err;
	size_t count;

	assert_int_equal(mkdir("persist/packages", 0755), 0);
	assert_int_equal(mkdir("persist/packages/a.wmopkg", 0755), 0);
	check_install_fails(fixture, -EISDIR, "the persistent a.wmopkg: Is a directory");
	assert_int_equal(access("data/packages/a.wmopkg", F_OK), -1);
	scratch_write("data/packages/a.wmopkg", "old");
	check_install_fails(fixture, -EISDIR, "the persistent a.wmopkg: Is a directory");
	check_file("data/packages/a.wmopkg", "old");
	/* the folder is no package, so that the other one is it */
	check_ok(overlay_store_list(fixture->store, &entries, &count, &err), &err);
	assert_int_equal(count, 1);
	assert_int_equal(entries[0].kind, OVERLAY_ORDINARY);
	check_ok(overlay_store_find(fixture->store, "a", &entry, &err), &err);
	assert_int_equal(entry.kind, OVERLAY_ORDINARY);
	entry.kind = OVERLAY_PERSISTENT;
	/* a removal that names the folder deletes it, with all that is in it */
	scratch_write("persist/packages/a.wmopkg/file", "in it");
	check_ok(overlay_store_remove(fixture->store, &entry, &err), &err);
	check_file("data/packages/a.wmopkg", "old");
	assert_int_equal(access("persist/packages/a.wmopkg", F_OK), -1);

	scratch_write("persist/packages/a.wmopkg", "persistent");
	volumes.read_only = inode_at("persist/packages");
	check_install_fails(fixture, -EROFS,
			    "the persistent a.wmopkg: Read-only file system");
	check_file("data/packages/a.wmopkg", "old");
	assert_int_equal(overlay_store_remove(fixture->store, &entry, &err), -EROFS);
	check_file("data/packages/a.wmopkg", "old");
	volumes.read_only = 0;
	/* known only after the rename: the persistent one is the package all the same */
	volumes.immutable = inode_at("persist/packages");
	check_install_fails(fixture, -EPERM,
			    "the persistent a.wmopkg: Operation not permitted");
	check_file("data/packages/a.wmopkg", "new");
	check_file("persist/packages/a.wmopkg", "persistent");
	assert_int_equal(unlink("data/packages/a.wmopkg"), 0);
	check_install_fails(fixture, -EPERM,
			    "the persistent a.wmopkg: Operation not permitted");
	assert_int_equal(access("data/packages/a.wmopkg", F_OK), -1);
	volumes.immutable = 0;
}

/* A store that has no such file has no say, whatever cannot be done in it. */
static void test_other_store(void **state)
{
	struct fixture *fixture = *state;
	struct overlay_entry entry = {.name = "a", .kind = OVERLAY_PERSISTENT};
	struct verity_error err;

	assert_int_equal(mkdir("persist/packages", 0755), 0);
	volumes.read_only = inode_at("persist/packages");
	install(fixture, OVERLAY_ORDINARY, "a", "old");
	install(fixture, OVERLAY_ORDINARY, "a", "new");
	volumes.read_only = 0;
	check_file("data/packages/a.wmopkg", "new");

	install(fixture, OVERLAY_PERSISTENT, "a", "persistent");
	volumes.read_only = inode_at("data/packages");
	check_ok(overlay_store_clear_moved(fixture->store, "a", &err), &err);
	check_ok(overlay_store_remove(fixture->store, &entry, &err), &err);
	assert_int_equal(access("persist/packages/a.wmopkg", F_OK), -1);

	install(fixture, OVERLAY_PERSISTENT, "a", "persistent");
	scratch_write("data/packages/a.wmopkg", "left");
	assert_int_equal(overlay_store_remove(fixture->store, &entry, &err), -EROFS);
	assert_string_equal(err.message, "the ordinary a.wmopkg: Read-only file system");
	check_file("persist/packages/a.wmopkg", "persistent");
	volumes.read_only = 0;
	assert_int_equal(unlink("data/packages/a.wmopkg"), 0);

	assert_int_equal(mkdir("data/packages/a.wmopkg", 0755), 0);
	check_ok(overlay_store_clear_moved(fixture->store, "a", &err), &err);
	check_ok(overlay_store_remove(fixture->store, &entry, &err), &err);
	assert_int_equal(access("persist/packages/a.wmopkg", F_OK), -1);
}

/* As many as somebody likes to make: each time a part of them goes. */
static void test_many_leftovers(void **state)
{
	struct fixture *fixture = *state;
	struct verity_error err;
	char path[64];
	int first, all = 0, r;

	install(fixture, OVERLAY_ORDINARY, "a", "kept");
	for (int i = 0; i < 6000; i++) {
		snprintf(path, sizeof(path), "data/packages/.n%d.wmopkg.new", i);
		scratch_write(path, "");
	}
	volumes.immutable = inode_at("data/packages");
	volumes.refused = 0;
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
	assert_in_range(volumes.refused, 1, 16);
	volumes.refused = 0;
	install(fixture, OVERLAY_PERSISTENT, "b", "other");
	assert_in_range(volumes.refused, 1, 17);
	volumes.immutable = 0;

	first = overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err);
	assert_in_range(first, 4000, 4096);
	while ((r = overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err)) > 0)
		all += r;
	assert_int_equal(r, 0);
	assert_int_equal(first + all, 6000);
	check_file("data/packages/a.wmopkg", "kept");

	/* the one in the way goes, wherever in the folder it is */
	scratch_write("data/packages/.first.wmopkg.new", "cut off");
	for (int i = 0; i < 6000; i++) {
		snprintf(path, sizeof(path), "data/packages/junk%d", i);
		scratch_write(path, "");
	}
	scratch_write("data/packages/.last.wmopkg.new", "cut off");
	install(fixture, OVERLAY_ORDINARY, "first", "new");
	install(fixture, OVERLAY_ORDINARY, "last", "new");
}

static void test_links(void **state)
{
	struct overlay_incoming *incoming = NULL;
	struct fixture *fixture = *state;
	struct verity_error err;

	/* a link where the new file would be written is deleted, never followed */
	install(fixture, OVERLAY_ORDINARY, "a", "old");
	scratch_write("target", "untouched");
	assert_int_equal(symlink("../../target", "data/packages/.a.wmopkg.new"), 0);
	install(fixture, OVERLAY_ORDINARY, "a", "new");
	check_file("target", "untouched");
	check_file("data/packages/a.wmopkg", "new");

	/* `packages` is a folder or nothing */
	assert_int_equal(symlink("../data", "persist/packages"), 0);
	assert_true(overlay_incoming_new(fixture->store, OVERLAY_PERSISTENT, "a",
					 &incoming, &err) < 0);
	assert_string_equal(err.message, "folder 'packages': Not a directory");
}

static void check_no_room(struct overlay_incoming *incoming, uint64_t bytes,
			  const char *end)
{
	char begin[128], size[VERITY_TEXT_SIZE_BYTES];
	struct verity_error err;

	assert_int_equal(overlay_incoming_reserve(incoming, bytes, &err), -ENOSPC);
	assert_int_equal(err.code, VERITY_E_NO_ROOM);
	verity_text_format_size(bytes, size);
	snprintf(begin, sizeof(begin), "it needs %s and there is room for ", size);
	assert_memory_equal(err.message, begin, strlen(begin));
	assert_non_null(strstr(err.message, "/data/packages ("));
	assert_string_equal(err.message + strlen(err.message) - strlen(end), end);
}

static void test_room(void **state)
{
	struct overlay_incoming *incoming = NULL;
	struct fixture *fixture = *state;
	struct verity_error err;

	check_ok(overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "a", &incoming,
				      &err),
		 &err);
	check_ok(overlay_incoming_reserve(incoming, 0, &err), &err);
	check_ok(overlay_incoming_reserve(incoming, 1 << 20, &err), &err);
	assert_int_equal(lseek(overlay_incoming_fd(incoming), 0, SEEK_END), 0);
	check_no_room(incoming, UINT64_MAX, "have to be freed");
	check_no_room(incoming, UINT64_C(1) << 60, "have to be freed");
	scratch_write("data/packages/a.wmopkg", "old");
	check_no_room(incoming, UINT64_C(1) << 60,
		      "have to be freed; the old package has 3 B, and is kept until the "
		      "new one is complete");
	overlay_incoming_free(incoming);
}

/* DATA is configured as PERSIST is: no package is the old copy of itself. */
static void test_one_folder(void **state)
{
	struct fixture *fixture = *state;
	struct verity_error err;

	install(fixture, OVERLAY_PERSISTENT, "one", "text");
	overlay_store_free(fixture->store);
	fixture->store = NULL;
	assert_false(overlay_store_is_one(fixture->data, fixture->persist));
	assert_true(overlay_store_is_one(fixture->persist, fixture->persist));
	assert_false(overlay_store_is_one(-1, -1));
	check_ok(overlay_store_open(fixture->persist, fixture->persist, &fixture->store,
				    &err),
		 &err);
	overlay_store_set_run(fixture->store, "run");
	assert_int_equal(count_entries(fixture), 1);
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_ORDINARY, &err), 0);
	assert_int_equal(overlay_store_clean(fixture->store, OVERLAY_PERSISTENT, &err),
			 0);
	check_file("persist/packages/one.wmopkg", "text");
}

static void test_no_store(void **state)
{
	struct overlay_incoming *incoming = NULL;
	struct overlay_store *store = NULL;
	struct fixture *fixture = *state;
	struct verity_error err;

	check_ok(overlay_store_open(fixture->data, -1, &store, &err), &err);
	assert_int_equal(
		overlay_incoming_new(store, OVERLAY_PERSISTENT, "a", &incoming, &err),
		-ENOENT);
	check_error(
		&err, VERITY_E_NOT_FOUND,
		"there is no persistent store (check 'persist' in the configuration)");
	assert_int_equal(
		overlay_incoming_new(store, OVERLAY_ORDINARY, "../a", &incoming, &err),
		-EINVAL);
	check_error(&err, VERITY_E_BAD_NAME, "not a valid package name");
	overlay_store_free(store);
}

/* A set with a new one, one that replaces, and one that goes. */
static struct overlay_change_set *make_set(struct fixture *fixture)
{
	static const char *const names[] = {"a", "b"};
	struct overlay_change_set *set = NULL;
	struct overlay_incoming *incoming;
	struct overlay_entry entry;
	struct verity_error err;

	install(fixture, OVERLAY_PERSISTENT, "b", "old");
	install(fixture, OVERLAY_ORDINARY, "c", "old");
	overlay_store_free(fixture->store); /* what one program does is one change */
	check_ok(overlay_store_open(fixture->data, fixture->persist, &fixture->store,
				    &err),
		 &err);
	overlay_store_set_run(fixture->store, "run");
	check_ok(overlay_change_set_new(fixture->store, &set, &err), &err);
	for (int i = 0; i < 2; i++) {
		check_ok(overlay_change_set_add(set, OVERLAY_ORDINARY, names[i],
						&incoming, &err),
			 &err);
		assert_int_equal(write(overlay_incoming_fd(incoming), "new", 3), 3);
	}
	assert_int_equal(
		overlay_change_set_add(set, OVERLAY_PERSISTENT, "A", &incoming, &err),
		-EEXIST);
	check_error(&err, VERITY_E_OTHER_NAME, "A is installed twice in one step");
	check_ok(overlay_store_find(fixture->store, "c", &entry, &err), &err);
	check_ok(overlay_change_set_remove(set, &entry, &err), &err);
	entry.kind = OVERLAY_PERSISTENT;
	assert_int_equal(overlay_change_set_remove(set, &entry, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "package 'c' is not installed");
	return set;
}

static void check_old_set(struct fixture *fixture)
{
	assert_int_equal(count_entries(fixture), 2);
	check_file("persist/packages/b.wmopkg", "old");
	check_file("data/packages/c.wmopkg", "old");
	assert_int_equal(access("data/packages/b.wmopkg", F_OK), -1);
}

/* Committed and undone as one change; while it is made, nobody else installs. */
static void test_set(void **state)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct fixture *fixture = *state;
	struct overlay_change_set *set = make_set(fixture);
	struct overlay_incoming *incoming = NULL;
	struct verity_error err;
	bool begun;

	assert_int_equal(overlay_incoming_new(fixture->store, OVERLAY_ORDINARY, "d",
					      &incoming, &err),
			 -EBUSY);
	check_ok(overlay_change_set_commit(set, NULL, NULL, &begun, &err), &err);
	overlay_change_set_free(set);
	assert_true(begun);
	assert_int_equal(count_entries(fixture), 2);
	check_file("data/packages/a.wmopkg", "new");
	check_file("data/packages/b.wmopkg", "new");
	assert_int_equal(access("persist/packages/" SET_JOURNAL_FILE, F_OK), -1);

	check_ok(overlay_store_last_change(fixture->store, &kept, &err), &err);
	assert_int_equal(kept.count, 3);
	for (size_t i = 0; i < kept.count; i++)
		check_ok(overlay_store_undo(fixture->store, &kept.items[i], &err), &err);
	check_old_set(fixture);
}

static void test_set_given_up(void **state)
{
	struct fixture *fixture = *state;

	overlay_change_set_free(make_set(fixture));
	check_old_set(fixture);
	assert_int_equal(access("data/packages/.a.wmopkg.new", F_OK), -1);
}

static void write_list(struct fixture *fixture, struct set_journal *list,
		       enum overlay_store_kind kind)
{
	struct verity_error err;

	check_ok(
		set_journal_store(overlay_store_folder(fixture->store, kind), list, &err),
		&err);
}

/* Makes what is left to do, and leaves no list. */
static void recover(struct fixture *fixture)
{
	struct verity_error err;

	check_ok(overlay_change_set_recover(fixture->store, &err), &err);
	assert_int_equal(access("persist/packages/" SET_JOURNAL_FILE, F_OK), -1);
	assert_int_equal(access("data/packages/" SET_JOURNAL_FILE, F_OK), -1);
}

static struct set_change going(struct fixture *fixture, const char *name,
			       enum overlay_store_kind kind)
{
	struct set_change change = {.entry.kind = kind, .removes = true};
	char file[OVERLAY_FILE_BYTES];

	snprintf(change.entry.name, sizeof(change.entry.name), "%s", name);
	overlay_entry_file(&change.entry, file);
	assert_int_equal(1, set_file_identify(overlay_store_folder(fixture->store, kind),
					      file, &change.file));
	return change;
}

/* What cannot be made, or was not committed, changes nothing. */
static void test_set_lists_that_do_not_count(void **state)
{
	struct fixture *fixture = *state;
	struct set_change data[2], persist[1];
	struct set_journal of_data = {data, 1}, of_persist = {persist, 1};

	overlay_change_set_free(make_set(fixture));
	data[0] = going(fixture, "c", OVERLAY_ORDINARY);
	persist[0] = going(fixture, "b", OVERLAY_PERSISTENT);

	/* the power was cut before the step */
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	recover(fixture);
	check_old_set(fixture);

	/* that of PERSIST names another one */
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	of_persist.other_bytes = sizeof(of_persist.other);
	of_persist.count = 0;
	write_list(fixture, &of_persist, OVERLAY_PERSISTENT);
	recover(fixture);
	check_old_set(fixture);

	/* a new file is gone, in one of the two */
	data[1] = (struct set_change){{"a", OVERLAY_ORDINARY}, false, {3, {1}}};
	of_data.count = 2;
	of_persist.count = 1;
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	memcpy(of_persist.other, of_data.digest, sizeof(of_data.digest));
	write_list(fixture, &of_persist, OVERLAY_PERSISTENT);
	recover(fixture);
	check_old_set(fixture);

	/* another c was installed since */
	data[0].file.bytes++;
	of_data.count = 1;
	of_data.alone = true;
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	recover(fixture);
	check_old_set(fixture);
}

/* Rubbish costs nothing, and is replaced by the next set. */
static void test_set_list_of_a_stranger(void **state)
{
	struct fixture *fixture = *state;
	struct verity_error err;

	overlay_change_set_free(make_set(fixture));
	scratch_write("persist/packages/" SET_JOURNAL_FILE, "{\"type\":\"changes\"}");
	check_ok(overlay_change_set_recover(fixture->store, &err), &err);
	check_old_set(fixture);
	install(fixture, OVERLAY_ORDINARY, "c", "old");
	check_old_set(fixture);
}

/* One on DATA waits for the PERSIST that it belongs to, and counts alone where it says
 * so. */
static void test_set_without_persist(void **state)
{
	struct fixture *fixture = *state;
	struct set_change data[1];
	struct set_journal of_data = {data, 1};
	struct overlay_store *store = NULL;
	struct verity_error err;

	overlay_change_set_free(make_set(fixture));
	data[0] = going(fixture, "c", OVERLAY_ORDINARY);
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	check_ok(overlay_store_open(fixture->data, -1, &store, &err), &err);
	check_ok(overlay_change_set_recover(store, &err), &err);
	assert_int_equal(access("data/packages/" SET_JOURNAL_FILE, F_OK), 0);
	check_file("data/packages/c.wmopkg", "old");
	of_data.alone = true;
	write_list(fixture, &of_data, OVERLAY_ORDINARY);
	check_ok(overlay_change_set_recover(store, &err), &err);
	overlay_store_free(store);
	assert_int_equal(count_entries(fixture), 1);
	check_file("persist/packages/b.wmopkg", "old");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_add_and_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_debug, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_replace_and_remove, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_busy, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leftovers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_moved, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_kept_limit, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_move_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_other_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_many_leftovers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_folder, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_no_store, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set_given_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_set_lists_that_do_not_count, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_set_list_of_a_stranger, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_set_without_persist, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
