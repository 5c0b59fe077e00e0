/* SPDX-License-Identifier: MIT */
/* Lists, adds, removes and cleans up the packages of both stores. */
#include "overlay/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/fs/erase.h"
#include "overlay/fs/lock.h"
#include "overlay/fs/reserve.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/dir.h"

#define KINDS  2
#define FOLDER OVERLAY_STORE_FOLDER

/* A package on its way in is `.NAME.wmopkg.new`; one at a time, under the lock. */
#define NEW_PREFIX "."
#define NEW_SUFFIX ".wmopkg.new"

/*
 * Names that are looked at for those that an install left, in each store. There is one of
 * a cut at most: who has made more of them must not take the time of a boot.
 */
#define LEFTOVERS_LOOKED_MAX 4096
#define LEFTOVERS_STUCK_MAX  16 /* cannot be deleted */

struct overlay_store {
	struct {
		int base;   /* DATA or PERSIST; -1: not there */
		int folder; /* `packages` within it; -1: not made yet */
	} kinds[KINDS];
	const char *run; /* borrowed; NULL: each folder has its own lock */
};

/* -1: there is none. */
struct lock {
	int held[KINDS];    /* the locks; only the first where both folders have one */
	int folders[KINDS]; /* descriptors of our own of both folders */
};

struct overlay_incoming {
	struct lock lock;
	enum overlay_store_kind kind;
	int folder; /* the one of @kind, borrowed from @lock */
	int fd;
	char file[VERITY_NAME_MAX + sizeof(NEW_PREFIX NEW_SUFFIX)]; /* "" once renamed */
	char final[OVERLAY_FILE_BYTES];
};

void overlay_store_free(struct overlay_store *store)
{
	if (!store)
		return;
	for (size_t kind = 0; kind < KINDS; kind++) {
		cleanup_fd_p(&store->kinds[kind].base);
		cleanup_fd_p(&store->kinds[kind].folder);
	}
	free(store);
}

/* Another program may have made it since the store was opened; -1 if not. */
static int open_folder(struct overlay_store *store, size_t kind, struct verity_error *err)
{
	int base = store->kinds[kind].base, *folder = &store->kinds[kind].folder;

	if (base < 0 || *folder >= 0)
		return 0;
	*folder = openat(base, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*folder < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "folder '" FOLDER "'");
	return 0;
}

bool overlay_store_is_one(int data_fd, int persist_fd)
{
	struct stat data, persist;

	return data_fd >= 0 && persist_fd >= 0 && fstat(data_fd, &data) == 0 &&
	       fstat(persist_fd, &persist) == 0 && data.st_dev == persist.st_dev &&
	       data.st_ino == persist.st_ino;
}

int overlay_store_open(int data_fd, int persist_fd, struct overlay_store **ret,
		       struct verity_error *err)
{
	/* of one folder, each package would be the other's copy, and be deleted as one */
	const int bases[KINDS] = {
		[OVERLAY_ORDINARY] =
			overlay_store_is_one(data_fd, persist_fd) ? -1 : data_fd,
		[OVERLAY_PERSISTENT] = persist_fd};
	cleanup_with(overlay_store_free_p) struct overlay_store *store =
		calloc(1, sizeof(*store));
	int r = 0;

	if (!store)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t kind = 0; kind < KINDS; kind++)
		store->kinds[kind].base = store->kinds[kind].folder = -1;
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++) {
		if (bases[kind] < 0)
			continue;
		store->kinds[kind].base = fcntl(bases[kind], F_DUPFD_CLOEXEC, 3);
		if (store->kinds[kind].base < 0)
			return verity_fail_errno(err, errno, "store");
		r = open_folder(store, kind, err);
	}
	if (r < 0)
		return r;
	*ret = steal_ptr(&store);
	return 0;
}

void overlay_store_set_run(struct overlay_store *store, const char *run)
{
	store->run = run;
}

int overlay_store_folder(const struct overlay_store *store, enum overlay_store_kind kind)
{
	return store->kinds[kind].folder;
}

bool overlay_store_is_there(const struct overlay_store *store,
			    enum overlay_store_kind kind)
{
	return store->kinds[kind].base >= 0;
}

void overlay_entry_file(const struct overlay_entry *entry,
			char ret[static OVERLAY_FILE_BYTES])
{
	snprintf(ret, OVERLAY_FILE_BYTES, "%s" VERITY_PACKAGE_SUFFIX, entry->name);
}

bool overlay_entry_name(const char *file, char ret[static VERITY_NAME_MAX + 1])
{
	/* In a store the suffix is in small letters: the file is opened by its name. */
	return verity_name_from_path(file, ret, NULL) == 0 &&
	       strcmp(strrchr(file, '.'), VERITY_PACKAGE_SUFFIX) == 0;
}

static int list_folder(int folder, enum overlay_store_kind kind,
		       struct overlay_entry **entries, size_t *count,
		       struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	struct overlay_entry entry;
	const struct dirent *item;
	int r = verity_dir_open(folder, ".", &dir);

	while (r >= 0 && (r = verity_dir_next(dir, &item)) > 0) {
		entry = (struct overlay_entry){.kind = kind};
		if (!overlay_entry_name(item->d_name, entry.name))
			continue;
		if ((*count & (*count - 1)) == 0) { /* full at each power of two */
			size_t room = *count ? *count * 2 : 1;
			struct overlay_entry *grown =
				reallocarray(*entries, room, sizeof(entry));

			if (!grown)
				return verity_fail(err, VERITY_E_NO_MEMORY,
						   "out of memory");
			*entries = grown;
		}
		(*entries)[(*count)++] = entry;
	}
	return r < 0 ? verity_fail_errno(err, -r, "store") : 0;
}

/* By name; of the same name the persistent one comes first. */
int overlay_entry_compare(const void *a, const void *b)
{
	const struct overlay_entry *left = a, *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (int)right->kind - (int)left->kind;
}

int overlay_store_list(const struct overlay_store *store, struct overlay_entry **ret,
		       size_t *ret_count, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	char file[OVERLAY_FILE_BYTES];
	size_t count = 0, kept = 0;
	struct stat st;

	for (unsigned kind = 0; kind < KINDS; kind++) {
		int folder = store->kinds[kind].folder;
		int r = folder < 0 ? 0 : list_folder(folder, kind, &entries, &count, err);

		if (r < 0)
			return r;
	}
	if (count > 1)
		qsort(entries, count, sizeof(*entries), overlay_entry_compare);
	/* Of two with one name, the second is left of a move; a folder is no package. */
	for (size_t i = 0; i < count; i++) {
		struct overlay_entry *last = kept > 0 ? &entries[kept - 1] : NULL;

		if (!last || strcmp(last->name, entries[i].name) != 0) {
			entries[kept++] = entries[i];
			continue;
		}
		overlay_entry_file(last, file);
		if (fstatat(store->kinds[last->kind].folder, file, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			*last = entries[i];
	}
	*ret_count = kept;
	*ret = steal_ptr(&entries);
	return 0;
}

/*
 * Whether @folder finds @file although it lists only another spelling of it: on vfat and
 * exfat, and in a folder of ext4 that was made so, upper and lower case are the same.
 *
 * @ret_listed: that spelling
 */
static bool is_misspelt(int folder, const char *file,
			char ret_listed[static OVERLAY_FILE_BYTES])
{
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;
	bool other = false;
	struct stat st;

	if (folder < 0 || fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
	    verity_dir_open(folder, ".", &dir) < 0)
		return false;
	while (verity_dir_next(dir, &item) > 0) {
		if (strcmp(item->d_name, file) == 0)
			return false;
		if (strcasecmp(item->d_name, file) == 0) {
			snprintf(ret_listed, OVERLAY_FILE_BYTES, "%s", item->d_name);
			other = true;
		}
	}
	return other;
}

int overlay_store_find(const struct overlay_store *store, const char *name,
		       struct overlay_entry *ret, struct verity_error *err)
{
	static const enum overlay_store_kind order[] = {OVERLAY_PERSISTENT,
							OVERLAY_ORDINARY};
	char file[OVERLAY_FILE_BYTES], listed[OVERLAY_FILE_BYTES];
	bool found = false;
	struct stat st;

	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "no package of that name is installed");
	for (size_t i = 0; i < KINDS; i++) {
		struct overlay_entry entry = {.kind = order[i]};
		int folder = store->kinds[entry.kind].folder;

		snprintf(entry.name, sizeof(entry.name), "%s", name);
		overlay_entry_file(&entry, file);
		if (folder < 0 || fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    is_misspelt(folder, file, listed))
			continue;
		if (!found || !S_ISDIR(st.st_mode))
			*ret = entry;
		found = true;
		if (!S_ISDIR(st.st_mode))
			break;
	}
	return found ? 0
		     : verity_fail(err, VERITY_E_NOT_FOUND,
				   "package '%s' is not installed", name);
}

/*
 * What cannot be deleted is known before anything is changed in the other store. A store
 * without the file need not be writable.
 *
 * Return: 1: @file is there and can be deleted; 0: it is not there; -errno: it is there
 * and stays, also as a folder.
 */
static int can_delete(int folder, const char *file)
{
	struct stat st;

	if (folder < 0)
		return 0;
	if (fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return faccessat(folder, ".", W_OK, 0) < 0 ? -errno : 1;
}

/* Synced also where there is none: a boot may have deleted it just now. */
static int remove_ordinary(int folder, const char *file, struct verity_error *err)
{
	int r = can_delete(folder, file);

	if (folder < 0 || r == -EISDIR) /* a folder is no package */
		return 0;
	if (r > 0 && unlinkat(folder, file, 0) < 0 && errno != ENOENT)
		r = -errno;
	if (r >= 0 && fsync(folder) < 0)
		r = -errno;
	return r < 0 ? verity_fail_errno(err, -r, "the ordinary %s", file) : 0;
}

int overlay_store_remove(struct overlay_store *store, const struct overlay_entry *entry,
			 struct verity_error *err)
{
	int folder = store->kinds[entry->kind].folder;
	char file[OVERLAY_FILE_BYTES];
	int r;

	overlay_entry_file(entry, file);
	verity_debug("removing %s", file);
	r = can_delete(folder, file);
	if (r == -EISDIR) {
		r = overlay_erase_tree(folder, file, false);
		if (r == 0 && fsync(folder) < 0)
			r = -errno;
		return r < 0 ? verity_fail_errno(err, -r, "the folder %s", file) : 0;
	}
	if (r < 0)
		return verity_fail_errno(err, -r, "%s", file);
	/*
	 * What a move left in the ordinary store would be the package again without the
	 * persistent one: it is deleted first, and for good. In most cases there is none.
	 */
	if (entry->kind == OVERLAY_PERSISTENT)
		r = remove_ordinary(store->kinds[OVERLAY_ORDINARY].folder, file, err);
	if (r < 0)
		return r;
	if (folder < 0)
		errno = ENOENT;
	else if (unlinkat(folder, file, 0) == 0 && fsync(folder) == 0)
		return 0;
	if (errno == ENOENT)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "package '%s' is not installed", entry->name);
	return verity_fail_errno(err, errno, "%s", file);
}

/* Synced: what is gone must not come back when the persistent one is removed. */
int overlay_store_clear_moved(struct overlay_store *store, const char *name,
			      struct verity_error *err)
{
	struct overlay_entry entry = {.kind = OVERLAY_ORDINARY};
	int folder = store->kinds[OVERLAY_ORDINARY].folder;
	char file[OVERLAY_FILE_BYTES];

	snprintf(entry.name, sizeof(entry.name), "%s", name);
	overlay_entry_file(&entry, file);
	return remove_ordinary(folder, file, err);
}

static void unlock(struct lock *lock)
{
	for (size_t kind = 0; kind < KINDS; kind++) {
		cleanup_fd_p(&lock->held[kind]);
		cleanup_fd_p(&lock->folders[kind]);
	}
}

/* @folder: where there is no run folder, the lock lies in it */
static int take_lock(const char *run, int folder, int *ret, struct verity_error *err)
{
	static const char busy[] = "another installation is under way";
	cleanup_fd int locks = -1;
	int r;

	if (!run)
		return overlay_lock_take(folder, ".lock", busy, false, 0, ret, err);
	r = overlay_lock_folder_open(run, &locks, err);
	return r < 0 ? r
		     : overlay_lock_take(locks, OVERLAY_LOCK_STORE, busy, false, 0, ret,
					 err);
}

/*
 * Keeps every other program from installing and cleaning. Both folders are locked,
 * whichever is meant: a package may move from one to the other. Who makes a folder does
 * so before, so that of two programs one finds the other's. @ret is set also on failure.
 */
static int lock_both(struct overlay_store *store, struct lock *ret,
		     struct verity_error *err)
{
	int r = 0;

	*ret = (struct lock){{-1, -1}, {-1, -1}};
	if (store->run)
		r = take_lock(store->run, -1, &ret->held[0], err);
	for (size_t kind = 0; r == 0 && kind < KINDS; kind++) {
		r = open_folder(store, kind, err);
		if (r < 0 || store->kinds[kind].folder < 0)
			continue;
		ret->folders[kind] = openat(store->kinds[kind].folder, ".",
					    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (ret->folders[kind] < 0)
			return verity_fail_errno(err, errno, "store");
		overlay_folder_protect(ret->folders[kind], store->kinds[kind].base);
		if (!store->run)
			r = take_lock(NULL, ret->folders[kind], &ret->held[kind], err);
	}
	return r;
}

/* What was never renamed. */
static bool is_leftover(const char *file)
{
	const size_t least = strlen(NEW_PREFIX NEW_SUFFIX);
	size_t size = strlen(file);

	return size > least && strncmp(file, NEW_PREFIX, strlen(NEW_PREFIX)) == 0 &&
	       strcmp(file + size - strlen(NEW_SUFFIX), NEW_SUFFIX) == 0;
}

static int clear_leftovers(int folder, struct verity_error *err)
{
	int looked = 0, stuck = 0, count = 0, r;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;

	if (folder < 0)
		return 0;
	r = verity_dir_open(folder, ".", &dir);
	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while (looked++ < LEFTOVERS_LOOKED_MAX && stuck < LEFTOVERS_STUCK_MAX &&
	       verity_dir_next(dir, &item) > 0) {
		if (!is_leftover(item->d_name))
			continue;
		if (unlinkat(folder, item->d_name, 0) == 0)
			count++;
		else
			stuck++;
	}
	if (count > 0 && fsync(folder) < 0)
		return verity_fail_errno(err, errno, "store");
	return count;
}

int overlay_store_clean(struct overlay_store *store, enum overlay_store_kind kind,
			struct verity_error *err)
{
	cleanup_with(unlock) struct lock lock;
	int r = lock_both(store, &lock, err);

	return r < 0 ? r : clear_leftovers(lock.folders[kind], err);
}

void overlay_incoming_free(struct overlay_incoming *incoming)
{
	if (!incoming)
		return;
	if (incoming->file[0])
		unlinkat(incoming->folder, incoming->file, 0);
	cleanup_fd_p(&incoming->fd);
	unlock(&incoming->lock);
	free(incoming);
}

/* The folder and its name on disk, before anything is promised about what lies in it. */
static int make_folder(struct overlay_store *store, enum overlay_store_kind kind,
		       struct verity_error *err)
{
	int base = store->kinds[kind].base;

	if (base < 0)
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"there is no %s store (check '%s' in the configuration)",
			kind == OVERLAY_PERSISTENT ? "persistent" : "data",
			kind == OVERLAY_PERSISTENT ? "persist" : "data");
	if (store->kinds[kind].folder >= 0)
		return 0;
	if (mkdirat(base, FOLDER, 0700) < 0 && errno != EEXIST)
		return verity_fail_errno(err, errno, "folder '" FOLDER "'");
	store->kinds[kind].folder =
		openat(base, FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->kinds[kind].folder < 0 || fsync(base) < 0)
		return verity_fail_errno(err, errno, "folder '" FOLDER "'");
	return 0;
}

int overlay_incoming_new(struct overlay_store *store, enum overlay_store_kind kind,
			 const char *name, struct overlay_incoming **ret,
			 struct verity_error *err)
{
	cleanup_with(overlay_incoming_free_p) struct overlay_incoming *incoming =
		calloc(1, sizeof(*incoming));
	char listed[OVERLAY_FILE_BYTES];
	struct verity_error unused;
	int r;

	if (!incoming)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	*incoming = (struct overlay_incoming){
		.lock = {{-1, -1}, {-1, -1}}, .kind = kind, .folder = -1, .fd = -1};
	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME, "not a valid package name");
	snprintf(incoming->final, sizeof(incoming->final), "%s" VERITY_PACKAGE_SUFFIX,
		 name);
	r = make_folder(store, kind, err);
	if (r == 0)
		r = lock_both(store, &incoming->lock, err);
	if (r == 0)
		r = clear_leftovers(incoming->lock.folders[kind], err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < KINDS; i++)
		if (is_misspelt(incoming->lock.folders[i], incoming->final, listed))
			return verity_fail(
				err, VERITY_E_OTHER_NAME,
				"it is installed as %s already, and the file system of "
				"this store does not tell upper from lower case (use "
				"that name, or remove it first)",
				listed);
	(void)clear_leftovers(incoming->lock.folders[!kind], &unused);
	incoming->folder = incoming->lock.folders[kind];
	snprintf(incoming->file, sizeof(incoming->file), NEW_PREFIX "%s" NEW_SUFFIX,
		 name);
	(void)unlinkat(incoming->folder, incoming->file, 0); /* one of too many */
	incoming->fd = openat(incoming->folder, incoming->file,
			      O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (incoming->fd < 0) {
		r = verity_fail_errno(err, errno, "%s", incoming->file);
		incoming->file[0] = '\0'; /* not ours to delete */
		return r;
	}
	*ret = steal_ptr(&incoming);
	return 0;
}

int overlay_incoming_fd(const struct overlay_incoming *incoming)
{
	return incoming->fd;
}

int overlay_incoming_reserve(struct overlay_incoming *incoming, uint64_t bytes,
			     struct verity_error *err)
{
	struct stat st = {.st_size = 0};

	if (fstatat(incoming->folder, incoming->final, &st, AT_SYMLINK_NOFOLLOW) < 0)
		st.st_size = 0;
	return overlay_reserve(incoming->fd, incoming->folder, bytes,
			       (uint64_t)st.st_size, err);
}

/*
 * The rename is the step: from then on the new one is the package. An old one that it
 * replaces is gone, and the new one is deleted on no account: better it than none.
 */
static int rename_new(struct overlay_incoming *incoming, bool *ret_replaces,
		      struct verity_error *err)
{
	struct stat st;
	int why;

	*ret_replaces =
		fstatat(incoming->folder, incoming->final, &st, AT_SYMLINK_NOFOLLOW) == 0;
	if (fsync(incoming->fd) < 0 || renameat(incoming->folder, incoming->file,
						incoming->folder, incoming->final) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	incoming->file[0] = '\0';
	if (fsync(incoming->folder) == 0)
		return 0;
	why = errno;
	if (!*ret_replaces)
		unlinkat(incoming->folder, incoming->final, 0);
	return verity_fail_errno(err, why, "%s", incoming->final);
}

int overlay_incoming_commit(struct overlay_incoming *incoming, struct verity_error *err)
{
	int ordinary = incoming->lock.folders[OVERLAY_ORDINARY];
	int persistent = incoming->lock.folders[OVERLAY_PERSISTENT];
	const char *file = incoming->final;
	bool replaces;
	int why, r, moves = 0;

	if (incoming->kind == OVERLAY_ORDINARY)
		moves = can_delete(persistent, file);
	if (moves < 0)
		return verity_fail_errno(err, -moves, "the persistent %s", file);
	r = rename_new(incoming, &replaces, err);
	if (r < 0)
		return r;
	verity_debug("stored %s, %s", file,
		     incoming->kind == OVERLAY_PERSISTENT ? "persistent" : "ordinary");
	if (incoming->kind == OVERLAY_PERSISTENT) {
		/*
		 * A package that was ordinary until now is hidden by this one already: to
		 * delete what is left of it can wait for the next install or boot.
		 */
		if (ordinary >= 0 && unlinkat(ordinary, file, 0) == 0)
			(void)!fsync(ordinary);
		return 0;
	}
	/* One that was persistent until now is the package as long as it is there. */
	if (moves == 0)
		return 0;
	if (unlinkat(persistent, file, 0) == 0)
		return fsync(persistent) == 0
			       ? 0
			       : verity_fail_errno(err, errno, "the persistent %s", file);
	if (errno == ENOENT)
		return 0;
	why = errno;
	if (!replaces)
		unlinkat(incoming->folder, file, 0);
	return verity_fail_errno(err, why, "the persistent %s", file);
}
