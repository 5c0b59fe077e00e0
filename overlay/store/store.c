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
#include "overlay/store/kept.h"
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
	uint32_t change; /* number of what is done through this store; 0: nothing yet */
};

/* -1: there is none. */
struct lock {
	int held[KINDS];    /* the locks; only the first where both folders have one */
	int folders[KINDS]; /* descriptors of our own of both folders */
};

/* The record of changes, while one is made. */
struct keeping {
	struct overlay_store *store;
	int lock; /* -1: nothing is recorded or kept */
	struct overlay_kept kept;
	struct overlay_kept_item *item; /* the last of @kept; NULL as @lock */
};

struct overlay_incoming {
	struct overlay_store *store; /* borrowed */
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
		return verity_no_memory(err);
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
				return verity_no_memory(err);
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

static void keeping_end(struct keeping *keeping)
{
	cleanup_fd_p(&keeping->lock);
	overlay_kept_free(&keeping->kept);
	keeping->item = NULL;
}

/* By kind: what lies there under a name. */
static void identify(const struct overlay_store *store, const char *file,
		     struct overlay_kept_id ret[static KINDS], bool *ret_folder)
{
	struct stat st;

	*ret_folder = false;
	for (size_t kind = 0; kind < KINDS; kind++) {
		int folder = store->kinds[kind].folder;

		ret[kind] = (struct overlay_kept_id){.inode = 0};
		if (folder < 0 || fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		ret[kind] = overlay_kept_identify(&st);
		*ret_folder = *ret_folder || S_ISDIR(st.st_mode);
	}
}

/*
 * Records a change before it is made. Where that cannot be done, nothing is kept, and
 * there is no record: without this change, an undo would be of the one before it.
 *
 * @made: the new file of @entry; NULL: it is removed
 */
static void keeping_begin(struct overlay_store *store, const struct overlay_entry *entry,
			  const struct stat *made, struct keeping *ret)
{
	struct overlay_kept_item item = {.kind = entry->kind};
	char file[OVERLAY_FILE_BYTES];
	bool folder;
	int r;

	*ret = (struct keeping){.store = store, .lock = -1};
	if (!store->run)
		return;
	r = overlay_kept_lock(store->run, &ret->lock, NULL);
	if (r == 0)
		r = overlay_kept_load(store->run, &ret->kept, NULL);
	if (r == 0 && store->change == 0)
		store->change = ret->kept.count > 0
					? ret->kept.items[ret->kept.count - 1].change + 1
					: 1;
	item.change = store->change;
	snprintf(item.name, sizeof(item.name), "%s", entry->name);
	overlay_entry_file(entry, file);
	identify(store, file, item.before, &folder);
	if (made)
		item.made = overlay_kept_identify(made);
	if (folder)
		item.lost = OVERLAY_KEPT_FOLDER;
	if (r == 0)
		r = overlay_kept_add(&ret->kept, &item, NULL);
	if (r == 0)
		r = overlay_kept_store(store->run, &ret->kept, NULL);
	if (r == 0) {
		ret->item = &ret->kept.items[ret->kept.count - 1];
		return;
	}
	verity_debug("what changes now cannot be undone");
	overlay_kept_forget(store->run);
	keeping_end(ret);
}

static void keeping_lose(struct keeping *keeping, enum overlay_kept_lost lost)
{
	keeping->item->lost = lost;
	(void)!overlay_kept_store(keeping->store->run, &keeping->kept, NULL);
}

/* The change was not made. */
static void keeping_cancel(struct keeping *keeping)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (!keeping->item)
		return;
	overlay_kept_file(keeping->item, name);
	for (size_t kind = 0; kind < KINDS; kind++)
		if (keeping->store->kinds[kind].folder >= 0)
			(void)unlinkat(keeping->store->kinds[kind].folder, name, 0);
	overlay_kept_delete(&keeping->kept, keeping->item);
	(void)!overlay_kept_store(keeping->store->run, &keeping->kept, NULL);
	keeping->item = NULL;
}

/* A second name for what the rename of a new file is going to replace. */
static void keep_replaced(struct keeping *keeping, int folder, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (!keeping->item || keeping->item->lost != OVERLAY_KEPT_WHOLE ||
	    keeping->item->before[keeping->item->kind].inode == 0)
		return;
	overlay_kept_file(keeping->item, name);
	(void)unlinkat(folder, name, 0);
	if (linkat(folder, file, folder, name, 0) < 0)
		keeping_lose(keeping, OVERLAY_KEPT_UNABLE);
}

/*
 * Takes a file out of a store, in one step: it gets another name where it can be kept,
 * and is deleted otherwise.
 *
 * @keeping: NULL: it is not kept
 *
 * Return: 0; -errno.
 */
static int put_away(struct keeping *keeping, int folder, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (keeping && keeping->item && keeping->item->lost == OVERLAY_KEPT_WHOLE) {
		overlay_kept_file(keeping->item, name);
		if (renameat(folder, file, folder, name) == 0)
			return 0;
		if (errno == ENOENT)
			return -ENOENT;
		keeping_lose(keeping, OVERLAY_KEPT_UNABLE);
	}
	return unlinkat(folder, file, 0) < 0 ? -errno : 0;
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
static int remove_ordinary(struct keeping *keeping, int folder, const char *file,
			   struct verity_error *err)
{
	int r = can_delete(folder, file);

	if (folder < 0 || r == -EISDIR) /* a folder is no package */
		return 0;
	if (r > 0)
		r = put_away(keeping, folder, file);
	if (r == -ENOENT)
		r = 0;
	if (r >= 0 && fsync(folder) < 0)
		r = -errno;
	return r < 0 ? verity_fail_errno(err, -r, "the ordinary %s", file) : 0;
}

static int take_out(struct keeping *keeping, const struct overlay_entry *entry,
		    const char *file, struct verity_error *err)
{
	const struct overlay_store *store = keeping->store;
	int folder = store->kinds[entry->kind].folder;
	int r = can_delete(folder, file);

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
		r = remove_ordinary(keeping, store->kinds[OVERLAY_ORDINARY].folder, file,
				    err);
	if (r < 0)
		return r;
	r = folder < 0 ? -ENOENT : put_away(keeping, folder, file);
	if (r == 0 && fsync(folder) < 0)
		r = -errno;
	if (r == -ENOENT)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "package '%s' is not installed", entry->name);
	return r < 0 ? verity_fail_errno(err, -r, "%s", file) : 0;
}

int overlay_store_remove(struct overlay_store *store, const struct overlay_entry *entry,
			 struct verity_error *err)
{
	cleanup_with(keeping_end) struct keeping keeping;
	char file[OVERLAY_FILE_BYTES];
	struct overlay_kept_id now[KINDS];
	bool folder;
	int r;

	overlay_entry_file(entry, file);
	verity_debug("removing %s", file);
	keeping_begin(store, entry, NULL, &keeping);
	r = take_out(&keeping, entry, file, err);
	identify(store, file, now, &folder);
	if (r < 0 && now[entry->kind].inode)
		keeping_cancel(&keeping);
	return r;
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
	return remove_ordinary(NULL, folder, file, err);
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

/* @kept: what is not left; NULL: nothing is kept */
static int clear_leftovers(int folder, uint32_t kind, const struct overlay_kept *kept,
			   struct verity_error *err)
{
	int looked = 0, stuck = 0, count = 0, r;
	bool deleted = false;
	cleanup_dir DIR *dir = NULL;
	const struct dirent *item;

	if (folder < 0)
		return 0;
	r = verity_dir_open(folder, ".", &dir);
	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while (looked++ < LEFTOVERS_LOOKED_MAX && stuck < LEFTOVERS_STUCK_MAX &&
	       verity_dir_next(dir, &item) > 0) {
		if (!is_leftover(item->d_name) ||
		    (kept && overlay_kept_has(kept, kind, item->d_name)))
			continue;
		if (unlinkat(folder, item->d_name, 0) < 0) {
			stuck++;
			continue;
		}
		deleted = true;
		count += strncmp(item->d_name, OVERLAY_KEPT_PREFIX,
				 strlen(OVERLAY_KEPT_PREFIX)) != 0;
	}
	if (deleted && fsync(folder) < 0)
		return verity_fail_errno(err, errno, "store");
	return count;
}

int overlay_store_clean(struct overlay_store *store, enum overlay_store_kind kind,
			struct verity_error *err)
{
	cleanup_with(unlock) struct lock lock;
	int r = lock_both(store, &lock, err);

	/* A boot: there is nothing to go back to any more. */
	if (r == 0 && store->run)
		overlay_kept_forget(store->run);
	return r < 0 ? r : clear_leftovers(lock.folders[kind], kind, NULL, err);
}

/* What is kept of earlier changes stays. */
static int clear_both(struct overlay_store *store, const struct lock *lock,
		      enum overlay_store_kind kind, struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	cleanup_fd int record = -1;
	struct verity_error unused;
	int r = 0;

	if (store->run)
		r = overlay_kept_lock(store->run, &record, err);
	if (r == 0 && store->run)
		r = overlay_kept_load(store->run, &kept, err);
	if (r == 0)
		r = clear_leftovers(lock->folders[kind], kind, &kept, err);
	if (r >= 0)
		(void)clear_leftovers(lock->folders[!kind], !kind, &kept, &unused);
	return r;
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
	int r;

	if (!incoming)
		return verity_no_memory(err);
	*incoming = (struct overlay_incoming){.store = store,
					      .lock = {{-1, -1}, {-1, -1}},
					      .kind = kind,
					      .folder = -1,
					      .fd = -1};
	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_BAD_NAME, "not a valid package name");
	snprintf(incoming->final, sizeof(incoming->final), "%s" VERITY_PACKAGE_SUFFIX,
		 name);
	r = make_folder(store, kind, err);
	if (r == 0)
		r = lock_both(store, &incoming->lock, err);
	if (r == 0)
		r = clear_both(store, &incoming->lock, kind, err);
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

static int commit(struct overlay_incoming *incoming, struct keeping *keeping,
		  struct verity_error *err)
{
	int ordinary = incoming->lock.folders[OVERLAY_ORDINARY];
	int persistent = incoming->lock.folders[OVERLAY_PERSISTENT];
	const char *file = incoming->final;
	bool replaces;
	int r, moves = 0;

	if (incoming->kind == OVERLAY_ORDINARY)
		moves = can_delete(persistent, file);
	if (moves < 0)
		return verity_fail_errno(err, -moves, "the persistent %s", file);
	keep_replaced(keeping, incoming->folder, file);
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
		if (ordinary >= 0 && put_away(keeping, ordinary, file) == 0)
			(void)!fsync(ordinary);
		return 0;
	}
	/* One that was persistent until now is the package as long as it is there. */
	if (moves == 0)
		return 0;
	r = put_away(keeping, persistent, file);
	if (r == 0)
		return fsync(persistent) == 0
			       ? 0
			       : verity_fail_errno(err, errno, "the persistent %s", file);
	if (r == -ENOENT)
		return 0;
	if (!replaces)
		unlinkat(incoming->folder, file, 0);
	return verity_fail_errno(err, -r, "the persistent %s", file);
}

int overlay_incoming_commit(struct overlay_incoming *incoming, struct verity_error *err)
{
	cleanup_with(keeping_end) struct keeping keeping;
	struct overlay_entry entry = {.kind = incoming->kind};
	struct stat st, now;
	int r;

	(void)!overlay_entry_name(incoming->final, entry.name);
	if (fstat(incoming->fd, &st) < 0)
		return verity_fail_errno(err, errno, "%s", incoming->final);
	keeping_begin(incoming->store, &entry, &st, &keeping);
	r = commit(incoming, &keeping, err);
	if (r < 0 &&
	    (fstatat(incoming->folder, incoming->final, &now, AT_SYMLINK_NOFOLLOW) < 0 ||
	     now.st_ino != st.st_ino))
		keeping_cancel(&keeping);
	return r;
}

bool overlay_store_make_room(struct overlay_store *store, enum overlay_store_kind kind,
			     const uint64_t *held, size_t held_count)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	int folder = store->kinds[kind].folder;
	char name[OVERLAY_KEPT_FILE_BYTES];
	cleanup_fd int lock = -1;

	if (!store->run || folder < 0 || overlay_kept_lock(store->run, &lock, NULL) < 0 ||
	    overlay_kept_load(store->run, &kept, NULL) < 0)
		return false;
	for (size_t i = 0; i < kept.count; i++) {
		struct overlay_kept_item *item = &kept.items[i];
		uint64_t inode = item->before[kind].inode;
		size_t at = 0;

		while (at < held_count && held[at] != inode)
			at++;
		if (inode == 0 || at < held_count || item->lost == OVERLAY_KEPT_ROOM)
			continue;
		overlay_kept_file(item, name);
		item->lost = OVERLAY_KEPT_ROOM;
		(void)!overlay_kept_store(store->run, &kept, NULL);
		if (unlinkat(folder, name, 0) == 0)
			return true;
	}
	return false;
}

/* Return: 1: made; 0: not made; -EBUSY: something else is there than it left. */
static int is_made(const struct overlay_store *store,
		   const struct overlay_kept_item *item)
{
	char file[OVERLAY_FILE_BYTES];
	struct overlay_kept_id now[KINDS];
	bool folder;

	snprintf(file, sizeof(file), "%s" VERITY_PACKAGE_SUFFIX, item->name);
	identify(store, file, now, &folder);
	if (item->made.inode ? overlay_kept_same(&now[item->kind], &item->made)
			     : now[0].inode == 0 && now[1].inode == 0)
		return 1;
	return overlay_kept_same(&now[0], &item->before[0]) &&
			       overlay_kept_same(&now[1], &item->before[1])
		       ? 0
		       : -EBUSY;
}

/*
 * Without the last changes that were recorded, and then not made, or undone by a program
 * that was killed before it recorded that.
 */
static void drop_unmade(const struct overlay_store *store, struct overlay_kept *kept)
{
	uint32_t change = 0;
	size_t before = 0;

	while (kept->count != before) {
		before = kept->count;
		if (before)
			change = kept->items[before - 1].change;
		for (size_t i = before; i-- > 0 && kept->items[i].change == change;)
			if (is_made(store, &kept->items[i]) == 0)
				overlay_kept_delete(kept, &kept->items[i]);
	}
}

int overlay_store_last_change(const struct overlay_store *store, struct overlay_kept *ret,
			      struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	cleanup_fd int lock = -1;
	size_t first;
	int r;

	if (store->run) {
		r = overlay_kept_lock(store->run, &lock, err);
		if (r == 0)
			r = overlay_kept_load(store->run, &kept, err);
		if (r < 0)
			return r;
	}
	drop_unmade(store, &kept);
	first = kept.count;
	while (first > 0 &&
	       kept.items[first - 1].change == kept.items[kept.count - 1].change)
		first--;
	if (first > 0)
		memmove(kept.items, kept.items + first,
			(kept.count - first) * sizeof(*kept.items));
	kept.count -= first;
	*ret = kept;
	kept = (struct overlay_kept){.count = 0};
	return 0;
}

bool overlay_store_find_kept(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     enum overlay_store_kind kind,
			     char ret[static OVERLAY_KEPT_FILE_BYTES])
{
	int folder = store->kinds[kind].folder;
	struct overlay_kept_id id;
	struct stat st;

	overlay_kept_file(item, ret);
	for (int tries = 0; folder >= 0 && tries < 2; tries++) {
		if (fstatat(folder, ret, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode)) {
			id = overlay_kept_identify(&st);
			if (overlay_kept_same(&id, &item->before[kind]))
				return true;
		}
		snprintf(ret, OVERLAY_KEPT_FILE_BYTES, "%s" VERITY_PACKAGE_SUFFIX,
			 item->name);
	}
	return false;
}

int overlay_store_undo_check(const struct overlay_store *store,
			     const struct overlay_kept_item *item,
			     struct verity_error *err)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	if (item->lost != OVERLAY_KEPT_WHOLE)
		return verity_fail(err, VERITY_E_UNSUPPORTED, "%s",
				   overlay_kept_explain(item->lost));
	if (is_made(store, item) != 1)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "another program has changed its file since (see "
				   "'wmopkg show')");
	for (size_t kind = 0; kind < KINDS; kind++)
		if (item->before[kind].inode != 0 &&
		    !overlay_store_find_kept(store, item, (enum overlay_store_kind)kind,
					     name))
			return verity_fail(
				err, VERITY_E_UNSUPPORTED,
				"the file that was kept is gone or was changed "
				"(install the package again)");
	return 0;
}

/*
 * What lies in a store becomes what lay there before.
 *
 * Return: 0: so it is after a power cut; -errno.
 */
static int put_back(const struct overlay_store *store, const struct lock *lock,
		    const struct overlay_kept_item *item, enum overlay_store_kind kind,
		    const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];
	int folder = lock->folders[kind];

	if (folder < 0)
		return 0;
	if (item->before[kind].inode) {
		if (!overlay_store_find_kept(store, item, kind, name))
			return -ENOENT;
		if (strcmp(name, file) != 0 && renameat(folder, name, folder, file) < 0)
			return -errno;
	} else if (!item->made.inode || item->kind != kind) {
		return 0; /* nothing was there, and nothing is */
	} else if (unlinkat(folder, file, 0) < 0 && errno != ENOENT) {
		return -errno;
	}
	return fsync(folder) < 0 ? -errno : 0;
}

/*
 * One of the two is the step, after which the package is what it was: what counts is the
 * persistent one. Where there was one, its return is the step, and what lies in DATA
 * comes after it. Where there was none, DATA comes first, and the step is that the
 * persistent one goes; if that cannot be, nothing is changed.
 */
static int undo_step(const struct overlay_store *store, const struct lock *lock,
		     const struct overlay_kept_item *item, struct verity_error *err)
{
	bool moved = item->made.inode && item->kind == OVERLAY_PERSISTENT &&
		     !item->before[OVERLAY_PERSISTENT].inode;
	char file[OVERLAY_FILE_BYTES];
	int r = 0;

	snprintf(file, sizeof(file), "%s" VERITY_PACKAGE_SUFFIX, item->name);
	if (moved)
		r = can_delete(lock->folders[OVERLAY_PERSISTENT], file);
	if (r >= 0 && item->before[OVERLAY_PERSISTENT].inode) {
		r = put_back(store, lock, item, OVERLAY_PERSISTENT, file);
		/* What counts is as it was; a boot deletes what is left there. */
		if (r == 0)
			(void)put_back(store, lock, item, OVERLAY_ORDINARY, file);
	} else if (r >= 0) {
		r = put_back(store, lock, item, OVERLAY_ORDINARY, file);
		if (r == 0)
			r = put_back(store, lock, item, OVERLAY_PERSISTENT, file);
	}
	return r < 0 ? verity_fail_errno(err, -r, "%s", file) : 0;
}

int overlay_store_undo(struct overlay_store *store, const struct overlay_kept_item *item,
		       struct verity_error *err)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_kept_item *recorded = NULL;
	cleanup_with(unlock) struct lock lock;
	cleanup_fd int record = -1;
	int r = lock_both(store, &lock, err);

	if (r == 0 && store->run)
		r = overlay_kept_lock(store->run, &record, err);
	if (r == 0 && store->run)
		r = overlay_kept_load(store->run, &kept, err);
	if (r < 0)
		return r;
	drop_unmade(store, &kept); /* not made must not look like changed by others */
	recorded = overlay_kept_find(&kept, item->change, item->name);
	if (!recorded || !overlay_kept_equal(recorded, item))
		return verity_fail(err, VERITY_E_BUSY,
				   "another program has undone or changed it");
	r = overlay_store_undo_check(store, item, err);
	if (r == 0)
		r = undo_step(store, &lock, item, err);
	if (r < 0)
		return r;
	overlay_kept_delete(&kept, recorded);
	return overlay_kept_store(store->run, &kept, err);
}

void overlay_store_ended_quarantine(struct overlay_store *store, const char *name)
{
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_kept_item *item;
	cleanup_fd int lock = -1;

	if (!store->run || overlay_kept_lock(store->run, &lock, NULL) < 0 ||
	    overlay_kept_load(store->run, &kept, NULL) < 0)
		return;
	item = overlay_kept_find(&kept, store->change, name);
	if (!item)
		return;
	item->lost = OVERLAY_KEPT_QUARANTINED;
	(void)!overlay_kept_store(store->run, &kept, NULL);
}
