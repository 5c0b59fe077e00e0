/* SPDX-License-Identifier: MIT */

/*
 * Power is cut while a package is installed, replaced, moved between the stores or
 * removed, while that is undone, and while a set of such changes is made: before each
 * system call that changes a file (a child is ended there), and once more with every set
 * of changes that the two file systems may have kept of those that were not synced. What
 * is left must be the old package or the new one, and never both; of a set all of the old
 * ones or all of the new ones. And a set that was made is in the audit log once.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/record/audit.h"
#include "overlay/record/audit_step.h"
#include "overlay/record/record.h"
#include "overlay/store/change_set.h"
#include "overlay/store/kept.h"
#include "overlay/store/store.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

#define ENDED       99
#define CALLS_MAX   256
#define CHANGES_MAX 64
#define TEXT_BYTES  1024 /* of a file */
#define NAME        "pkg"
#define FINAL       NAME ".wmopkg"
#define OTHER       "two" /* in sets */
#define LINES       3     /* that a set logs */
#define AUDIT_BYTES 65536

/* What happens to a folder, in the order in which it was asked for. */
enum change_kind { MADE, RENAMED, LINKED, UNLINKED, SYNCED, FILE_SYNCED };

struct change {
	enum change_kind kind;
	int folder;    /* enum overlay_store_kind */
	char from[80]; /* of a file that is renamed or linked */
	char name[80];
	ino_t inode;           /* of a file that is made or synced */
	char text[TEXT_BYTES]; /* that it had when it was synced */
};

static struct {
	int calls_left; /* down to the call that does not come back; 0: none */
	bool record;
	struct change changes[CHANGES_MAX];
	size_t count;
	size_t logged; /* so many changes came before the lines of the set */
} power;

/* NULL: without a run folder nothing is kept. */
static const char *run;

static const char *const folders[] = {"data/packages", "persist/packages"};

int __real_fsync(int fd);
int __wrap_fsync(int fd);
int __real_openat64(int dirfd, const char *name, int flags, mode_t mode);
int __wrap_openat64(int dirfd, const char *name, int flags, mode_t mode);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags);
int __real_unlinkat(int dirfd, const char *name, int flags);
int __wrap_unlinkat(int dirfd, const char *name, int flags);

static void count_call(void)
{
	if (power.calls_left > 0 && --power.calls_left == 0)
		_exit(ENDED);
}

/* Which store a folder's descriptor is of; -1: none, a file. */
static int folder_of(int fd)
{
	struct stat is, store;

	assert_int_equal(fstat(fd, &is), 0);
	for (int i = 0; i < 2; i++)
		if (stat(folders[i], &store) == 0 && store.st_ino == is.st_ino &&
		    store.st_dev == is.st_dev)
			return i;
	return -1;
}

/* @fd: of a file that is made or synced; -1 */
static void record(enum change_kind kind, int folder, const char *from, const char *name,
		   int fd)
{
	struct change *change = &power.changes[power.count];
	struct stat st;

	if (!power.record || (folder < 0 && kind != FILE_SYNCED))
		return;
	assert_true(power.count < CHANGES_MAX);
	change->kind = kind;
	change->folder = folder;
	snprintf(change->from, sizeof(change->from), "%s", from);
	snprintf(change->name, sizeof(change->name), "%s", name);
	memset(change->text, 0, sizeof(change->text));
	if (fd >= 0) {
		assert_int_equal(fstat(fd, &st), 0);
		change->inode = st.st_ino;
	}
	if (kind == FILE_SYNCED) {
		char path[32];
		cleanup_fd int again = -1;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		again = open(path, O_RDONLY | O_CLOEXEC);
		assert_true(pread(again, change->text, TEXT_BYTES - 1, 0) >= 0);
	}
	power.count++;
}

int __wrap_fsync(int fd)
{
	struct stat st;

	count_call();
	assert_int_equal(fstat(fd, &st), 0);
	if (S_ISDIR(st.st_mode))
		record(SYNCED, folder_of(fd), "", "", -1);
	else
		record(FILE_SYNCED, -1, "", "", fd);
	return 0;
}

int __wrap_openat64(int dirfd, const char *name, int flags, mode_t mode)
{
	int fd;

	if (!(flags & O_CREAT))
		return __real_openat64(dirfd, name, flags, 0);
	count_call();
	fd = __real_openat64(dirfd, name, flags, mode);
	if (fd >= 0)
		record(MADE, folder_of(dirfd), "", name, fd);
	return fd;
}

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	int r;

	count_call();
	r = __real_renameat(from_fd, from, to_fd, to);
	if (r == 0)
		record(RENAMED, folder_of(to_fd), from, to, -1);
	return r;
}

int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	int r;

	count_call();
	r = __real_linkat(from_fd, from, to_fd, to, flags);
	if (r == 0)
		record(LINKED, folder_of(to_fd), from, to, -1);
	return r;
}

int __wrap_unlinkat(int dirfd, const char *name, int flags)
{
	int r;

	count_call();
	r = __real_unlinkat(dirfd, name, flags);
	if (r == 0)
		record(UNLINKED, folder_of(dirfd), "", name, -1);
	return r;
}

/* PERSIST/wmopkg */
static int record_fd;

/* The lines of every set: two packages, and the set. */
static void make_entries(struct overlay_entry packages[static 2],
			 struct overlay_audit_entry ret[static LINES])
{
	packages[0] = (struct overlay_entry){.name = NAME};
	packages[1] = (struct overlay_entry){.name = OTHER};
	ret[0] = (struct overlay_audit_entry){
		.event = OVERLAY_AUDIT_INSTALL, .package = &packages[0], .version = "2"};
	ret[1] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_REMOVE,
					      .package = &packages[1]};
	ret[2] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_SET,
					      .detail = "2 packages"};
}

/* The records are not what is cut to pieces here: they have tests of their own. */
static void keep_lines(uint8_t ret[static VERITY_DIGEST_BYTES])
{
	struct overlay_audit_entry entries[LINES];
	struct overlay_entry packages[2];
	struct verity_error err;
	bool recorded = power.record;

	power.record = false;
	make_entries(packages, entries);
	check_ok(overlay_audit_step_keep(record_fd, 1700000000, "tester", entries, LINES,
					 ret, &err),
		 &err);
	power.record = recorded;
}

/* What the program that makes the step leaves. */
static void write_lines(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	struct overlay_audit_entry entries[LINES];
	struct overlay_entry packages[2];
	struct verity_error err;
	struct overlay_audit *audit = NULL;
	bool recorded = power.record;

	(void)context, (void)digest;
	if (recorded)
		power.logged = power.count;
	power.record = false;
	make_entries(packages, entries);
	check_ok(overlay_audit_open(record_fd, AUDIT_BYTES, 1700000001, "tester", &audit,
				    &err),
		 &err);
	check_ok(overlay_audit_append(audit, entries, LINES, &err), &err);
	overlay_audit_free(audit);
	check_ok(overlay_audit_step_forget(record_fd, &err), &err);
	power.record = recorded;
}

static void finish_lines(void *context, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	struct verity_error err;

	(void)context;
	check_ok(overlay_audit_step_finish(record_fd, AUDIT_BYTES, digest, &err), &err);
}

static const struct overlay_change_set_log log_new = {write_lines, NULL};
static const struct overlay_change_set_log log_found = {finish_lines, NULL};

struct fixture {
	int data;
	int persist;
};

static struct overlay_store *open_store(const struct fixture *fixture)
{
	struct overlay_store *store = NULL;
	struct verity_error err;

	check_ok(overlay_store_open(fixture->data, fixture->persist, &store, &err), &err);
	if (run)
		overlay_store_set_run(store, run);
	overlay_change_set_log_found(store, &log_found);
	return store;
}

static int install(struct overlay_store *store, enum overlay_store_kind kind,
		   const char *text)
{
	struct overlay_incoming *incoming = NULL;
	struct verity_error err;
	int r = overlay_incoming_new(store, kind, NAME, &incoming, &err);

	if (r == 0 && write(overlay_incoming_fd(incoming), text, strlen(text)) < 0)
		r = -EIO;
	if (r == 0)
		r = overlay_incoming_commit(incoming, &err);
	overlay_incoming_free(incoming);
	return r;
}

static int install_ordinary(struct overlay_store *store)
{
	return install(store, OVERLAY_ORDINARY, "new");
}

static int install_persistent(struct overlay_store *store)
{
	return install(store, OVERLAY_PERSISTENT, "new");
}

static int take_out(struct overlay_store *store)
{
	struct overlay_entry entry;
	struct verity_error err;
	int r = overlay_store_find(store, NAME, &entry, &err);

	return r < 0 ? r : overlay_store_remove(store, &entry, &err);
}

static int undo(struct overlay_store *store)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct verity_error err;

	check_ok(overlay_store_last_change(store, &kept, &err), &err);
	assert_int_equal(kept.count, 1);
	return overlay_store_undo(store, &kept.items[0], &err);
}

static void add(struct overlay_change_set *set, enum overlay_store_kind kind,
		const char *name)
{
	struct overlay_incoming *incoming;
	struct verity_error err;

	check_ok(overlay_change_set_add(set, kind, name, &incoming, &err), &err);
	assert_int_equal(write(overlay_incoming_fd(incoming), "new", 3), 3);
}

static int commit(struct overlay_change_set *set)
{
	uint8_t digest[VERITY_DIGEST_BYTES];
	struct verity_error err;
	bool begun;
	int r;

	keep_lines(digest);
	r = overlay_change_set_commit(set, digest, &log_new, &begun, &err);

	overlay_change_set_free(set);
	return r;
}

static struct overlay_change_set *begin(struct overlay_store *store)
{
	struct overlay_change_set *set = NULL;
	struct verity_error err;

	check_ok(overlay_change_set_new(store, &set, &err), &err);
	return set;
}

static void drop(struct overlay_store *store, struct overlay_change_set *set,
		 const char *name)
{
	struct overlay_entry entry;
	struct verity_error err;

	check_ok(overlay_store_find(store, name, &entry, &err), &err);
	check_ok(overlay_change_set_remove(set, &entry, &err), &err);
}

static int install_two(struct overlay_store *store)
{
	struct overlay_change_set *set = begin(store);

	add(set, OVERLAY_ORDINARY, NAME);
	add(set, OVERLAY_PERSISTENT, OTHER);
	return commit(set);
}

static int install_persistent_first(struct overlay_store *store)
{
	struct overlay_change_set *set = begin(store);

	add(set, OVERLAY_PERSISTENT, NAME);
	add(set, OVERLAY_ORDINARY, OTHER);
	return commit(set);
}

static int install_and_remove(struct overlay_store *store)
{
	struct overlay_change_set *set = begin(store);

	add(set, OVERLAY_ORDINARY, NAME);
	drop(store, set, OTHER);
	return commit(set);
}

static int remove_two(struct overlay_store *store)
{
	struct overlay_change_set *set = begin(store);

	drop(store, set, NAME);
	drop(store, set, OTHER);
	return commit(set);
}

/* What each of the two folders holds before; NULL: nothing. */
static const struct scene {
	const char *title;
	const char *ordinary;
	const char *persistent;
	int (*first)(
		struct overlay_store *store); /* what is done before; NULL: nothing */
	int (*run)(struct overlay_store *store);
	const char *before; /* what the package is; NULL: there is none */
	const char *after;
	const char *others[2]; /* by kind: what the folder holds of the other package */
} scenes[] = {
	{"install", NULL, NULL, NULL, install_ordinary, NULL, "ordinary new"},
	{"install persistent", NULL, NULL, NULL, install_persistent, NULL,
	 "persistent new"},
	{"replace", "old", NULL, NULL, install_ordinary, "ordinary old", "ordinary new"},
	{"replace a persistent one", NULL, "old", NULL, install_persistent,
	 "persistent old", "persistent new"},
	{"become persistent", "old", NULL, NULL, install_persistent, "ordinary old",
	 "persistent new"},
	{"become ordinary", NULL, "old", NULL, install_ordinary, "persistent old",
	 "ordinary new"},
	{"after a move that was cut", "left", "old", NULL, install_ordinary,
	 "persistent old", "ordinary new"},
	{"after a move that was cut, persistent", "left", "old", NULL, install_persistent,
	 "persistent old", "persistent new"},
	{"remove", "old", NULL, NULL, take_out, "ordinary old", NULL},
	{"remove a persistent one", NULL, "old", NULL, take_out, "persistent old", NULL},
	{"remove after a move that was cut", "left", "old", NULL, take_out,
	 "persistent old", NULL},
	{"undo an installation", NULL, NULL, install_ordinary, undo, "ordinary new",
	 NULL},
	{"undo a persistent one", NULL, NULL, install_persistent, undo, "persistent new",
	 NULL},
	{"undo a replacement", "old", NULL, install_ordinary, undo, "ordinary new",
	 "ordinary old"},
	{"undo a persistent replacement", NULL, "old", install_persistent, undo,
	 "persistent new", "persistent old"},
	{"undo that it became persistent", "old", NULL, install_persistent, undo,
	 "persistent new", "ordinary old"},
	{"undo that it became ordinary", NULL, "old", install_ordinary, undo,
	 "ordinary new", "persistent old"},
	{"undo after a move that was cut", "left", "old", install_ordinary, undo,
	 "ordinary new", "persistent old"},
	{"undo after a move that was cut, persistent", "left", "old", install_persistent,
	 undo, "persistent new", "persistent old"},
	{"undo a removal", "old", NULL, take_out, undo, NULL, "ordinary old"},
	{"undo a persistent removal", NULL, "old", take_out, undo, NULL,
	 "persistent old"},
	{"undo a removal after a move that was cut", "left", "old", take_out, undo, NULL,
	 "persistent old"},
	{"set: two new ones", NULL, NULL, NULL, install_two, NULL,
	 "ordinary new, two persistent new"},
	{"set: the persistent one first", NULL, NULL, NULL, install_persistent_first,
	 NULL, "persistent new, two ordinary new"},
	{"set: both replace",
	 "old",
	 NULL,
	 NULL,
	 install_two,
	 "ordinary old, two persistent old",
	 "ordinary new, two persistent new",
	 {NULL, "old"}},
	{"set: each moves to the other store",
	 NULL,
	 "old",
	 NULL,
	 install_two,
	 "persistent old, two ordinary old",
	 "ordinary new, two persistent new",
	 {"old", NULL}},
	{"set: one comes, a persistent one goes",
	 NULL,
	 NULL,
	 NULL,
	 install_and_remove,
	 "two persistent old",
	 "ordinary new",
	 {NULL, "old"}},
	{"set: one replaces, an ordinary one goes",
	 "old",
	 NULL,
	 NULL,
	 install_and_remove,
	 "ordinary old, two ordinary old",
	 "ordinary new",
	 {"old", NULL}},
	{"set: one moves, one that was moved goes",
	 NULL,
	 "old",
	 NULL,
	 install_and_remove,
	 "persistent old, two persistent old",
	 "ordinary new",
	 {"left", "old"}},
	{"set: two go",
	 "old",
	 NULL,
	 NULL,
	 remove_two,
	 "ordinary old, two persistent old",
	 NULL,
	 {NULL, "old"}},
};

static void put(int folder, const char *file, const char *text)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folders[folder], file);
	if (text)
		scratch_write(path, text);
	else if (unlink(path) < 0)
		assert_int_equal(errno, ENOENT);
}

/* Packages, with what is on its way in or kept, and the list of changes. */
static size_t count_files(bool clear)
{
	size_t count = 0;

	for (int i = 0; i < 2; i++) {
		cleanup_dir DIR *dir = opendir(folders[i]);
		const struct dirent *item;

		assert_non_null(dir);
		while ((item = readdir(dir))) {
			if (!strstr(item->d_name, ".wmopkg"))
				continue;
			count++;
			if (clear)
				put(i, item->d_name, NULL);
		}
	}
	return count;
}

static bool is_set(const struct scene *scene)
{
	return strncmp(scene->title, "set: ", strlen("set: ")) == 0;
}

static void clear_records(void)
{
	cleanup_dir DIR *dir = opendir("persist/wmopkg");
	const struct dirent *item;

	assert_non_null(dir);
	while ((item = readdir(dir)))
		if (item->d_name[0] != '.')
			assert_int_equal(__real_unlinkat(record_fd, item->d_name, 0), 0);
}

/* All lines of a set that was made, and none of one that was not. */
static void check_lines(const struct scene *scene, bool made)
{
	struct overlay_audit_check check = {.lines = 0};
	struct verity_error err;
	int r = overlay_audit_verify(record_fd, 0, &check, &err);

	if (r != -ENOENT)
		check_ok(r, &err);
	if (check.lines != (made && is_set(scene) ? LINES : 0))
		fail_msg("%s: %zu lines", scene->title, (size_t)check.lines);
	if (made)
		assert_int_equal(faccessat(record_fd, OVERLAY_RECORD_AUDIT_STEP, F_OK, 0),
				 -1);
}

static void set(const struct fixture *fixture, const struct scene *scene)
{
	clear_records();
	count_files(true);
	put(OVERLAY_ORDINARY, FINAL, scene->ordinary);
	put(OVERLAY_PERSISTENT, FINAL, scene->persistent);
	for (int i = 0; i < 2; i++)
		put(i, OTHER ".wmopkg", scene->others[i]);
	if (scene->first) {
		struct overlay_store *store = open_store(fixture);

		overlay_kept_forget(run);
		assert_int_equal(scene->first(store), 0);
		overlay_store_free(store);
	}
}

/* Nothing is undone without a run folder. */
static bool is_played(const struct scene *scene)
{
	return run || !scene->first;
}

static void get(int folder, const char *file, char ret[static TEXT_BYTES])
{
	char path[128];
	cleanup_fd int fd = -1;
	ssize_t count;

	snprintf(path, sizeof(path), "%s/%s", folders[folder], file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	count = read(fd, ret, TEXT_BYTES - 1);
	assert_true(count >= 0);
	ret[count] = '\0';
}

/* As a boot would find them: "persistent new, two ordinary old"; "none". Return: how
 * many. */
static size_t look(struct overlay_store *store, char ret[static TEXT_BYTES])
{
	cleanup_free struct overlay_entry *entries = NULL;
	char file[OVERLAY_FILE_BYTES], text[TEXT_BYTES];
	struct verity_error err;
	size_t count, size = 0;

	check_ok(overlay_change_set_recover(store, &err), &err);
	check_ok(overlay_store_list(store, &entries, &count, &err), &err);
	snprintf(ret, TEXT_BYTES, "none");
	for (size_t i = 0; i < count; i++) {
		overlay_entry_file(&entries[i], file);
		get((int)entries[i].kind, file, text);
		size += (size_t)snprintf(
			ret + size, TEXT_BYTES - size, "%s%s%s %.16s", i ? ", " : "",
			strcmp(entries[i].name, NAME) == 0 ? "" : OTHER " ",
			entries[i].kind == OVERLAY_PERSISTENT ? "persistent" : "ordinary",
			text);
	}
	return count;
}

/* What the next boot does: of a package that was moved, it accepts the persistent one. */
static void clean(struct overlay_store *store)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct verity_error err;
	size_t count;

	assert_true(overlay_store_clean(store, OVERLAY_PERSISTENT, &err) >= 0);
	assert_true(overlay_store_clean(store, OVERLAY_ORDINARY, &err) >= 0);
	check_ok(overlay_store_list(store, &entries, &count, &err), &err);
	for (size_t i = 0; i < count; i++)
		if (entries[i].kind == OVERLAY_PERSISTENT)
			check_ok(overlay_store_clear_moved(store, entries[i].name, &err),
				 &err);
}

/* Old or new after the cut, after the next boot has cleaned up, and after a reinstall. */
static void check_left(const struct fixture *fixture, const struct scene *scene,
		       bool done)
{
	const char *before = scene->before ? scene->before : "none";
	const char *after = scene->after ? scene->after : "none";
	struct overlay_store *store = open_store(fixture);
	char first[TEXT_BYTES], found[TEXT_BYTES];
	size_t count = look(store, first);

	if (strcmp(first, after) != 0 && (done || strcmp(first, before) != 0))
		fail_msg("%s: %s", scene->title, first);
	check_lines(scene, strcmp(first, after) == 0);
	clean(store);
	assert_int_equal(look(store, found), count);
	assert_string_equal(found, first);
	assert_int_equal(count_files(false), count);
	assert_int_equal(install(store, OVERLAY_ORDINARY, "again"), 0);
	count = look(store, found);
	assert_memory_equal(found, "ordinary again", strlen("ordinary again"));
	clean(store);
	assert_int_equal(count_files(false), count);
	overlay_store_free(store);
}

/* Returns whether the child came to its end before the power was cut. */
static bool cut(const struct fixture *fixture, const struct scene *scene, int calls)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		struct overlay_store *store = open_store(fixture);

		power.calls_left = calls;
		_exit(scene->run(store) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ENDED);
	return WEXITSTATUS(status) == 0;
}

static void test_every_call(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		bool done = !is_played(&scenes[i]);

		for (int calls = 1; !done; calls++) {
			assert_true(calls < CALLS_MAX);
			set(fixture, &scenes[i]);
			done = cut(fixture, &scenes[i], calls);
			check_left(fixture, &scenes[i], done);
		}
	}
}

/* What a file that was made has on disk: all of it once it was synced, or nothing. */
static const char *text_at(size_t end, const struct change *made)
{
	for (const struct change *change = made; change < power.changes + end; change++)
		if (change->kind == FILE_SYNCED && change->inode == made->inode)
			return change->text;
	return "";
}

static void apply(const struct change *change, size_t end)
{
	char content[TEXT_BYTES];

	switch (change->kind) {
	case MADE:
		put(change->folder, change->name, text_at(end, change));
		break;
	case RENAMED:
	case LINKED:
		get(change->folder, change->from, content);
		put(change->folder, change->name, content);
		if (change->kind == RENAMED)
			put(change->folder, change->from, NULL);
		break;
	case UNLINKED:
		put(change->folder, change->name, NULL);
		break;
	case SYNCED:
	case FILE_SYNCED:
		break;
	}
}

/* The first @end changes were asked for; of those to a folder the first @kept are kept.
 */
static void apply_kept(size_t end, int folder, size_t kept)
{
	size_t seen = 0;

	for (size_t i = 0; i < end; i++)
		if (power.changes[i].folder == folder && seen++ < kept)
			apply(&power.changes[i], end);
}

/* How many changes a folder has at @end, and how many of them are sure to be kept. */
static void count_changes(size_t end, int folder, size_t *ret_sure, size_t *ret_all)
{
	*ret_sure = *ret_all = 0;
	for (size_t i = 0; i < end; i++) {
		if (power.changes[i].folder != folder)
			continue;
		++*ret_all;
		if (power.changes[i].kind == SYNCED)
			*ret_sure = *ret_all;
	}
}

static void check_kept(const struct fixture *fixture, const struct scene *scene,
		       size_t end)
{
	uint8_t digest[VERITY_DIGEST_BYTES]; /* the one that the lists name */
	size_t sure[2], all[2];

	for (int folder = 0; folder < 2; folder++)
		count_changes(end, folder, &sure[folder], &all[folder]);
	for (size_t data = sure[0]; data <= all[0]; data++)
		for (size_t persist = sure[1]; persist <= all[1]; persist++) {
			set(fixture, scene);
			if (is_set(scene))
				keep_lines(digest);
			/* they are for good before the changes after them */
			if (is_set(scene) && end > power.logged)
				write_lines(NULL, digest);
			apply_kept(end, 0, data);
			apply_kept(end, 1, persist);
			check_left(fixture, scene, end == power.count);
		}
}

static void test_every_set_of_changes(void **state)
{
	const struct fixture *fixture = *state;

	for (size_t i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		struct overlay_store *store;

		if (!is_played(&scenes[i]))
			continue;
		set(fixture, &scenes[i]);
		store = open_store(fixture);
		power.count = 0;
		power.record = true;
		assert_int_equal(scenes[i].run(store), 0);
		power.record = false;
		overlay_store_free(store);
		assert_true(power.count > 0);
		for (size_t end = 0; end <= power.count; end++)
			check_kept(fixture, &scenes[i], end);
	}
}

static int set_up(void **state)
{
	static struct fixture fixture;

	if (mkdir("data", 0755) < 0 || mkdir("persist", 0755) < 0 ||
	    mkdir(folders[0], 0755) < 0 || mkdir(folders[1], 0755) < 0 ||
	    mkdir("persist/wmopkg", 0700) < 0)
		return -1;
	record_fd = open("persist/wmopkg", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fixture.data = open("data", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fixture.persist = open("persist", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fixture;
	return 0;
}

static int enter(void **state)
{
	return scratch_enter(state) < 0 ? -1 : set_up(state);
}

static void test_every_call_with_a_run_folder(void **state)
{
	run = "run";
	test_every_call(state);
	run = NULL;
}

static void test_every_set_of_changes_with_a_run_folder(void **state)
{
	run = "run";
	test_every_set_of_changes(state);
	run = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call),
		cmocka_unit_test(test_every_set_of_changes),
		cmocka_unit_test(test_every_call_with_a_run_folder),
		cmocka_unit_test(test_every_set_of_changes_with_a_run_folder),
	};

	return cmocka_run_group_tests(tests, enter, scratch_leave);
}
