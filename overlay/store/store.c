/* SPDX-License-Identifier: MIT */
#include "overlay/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/store/store_private.h"
#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/dir.h"

DEFINE_CLEANUP(struct overlay_store, overlay_store_free);

void overlay_store_free(struct overlay_store *store)
{
	if (!store)
		return;
	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++) {
		if (store->base[kind] >= 0)
			close(store->base[kind]);
		if (store->folder[kind] >= 0)
			close(store->folder[kind]);
	}
	free(store);
}

static int open_kind(struct overlay_store *store, enum overlay_store_kind kind,
		     int base_fd, struct verity_error *err)
{
	if (base_fd < 0)
		return 0;
	store->base[kind] = fcntl(base_fd, F_DUPFD_CLOEXEC, 3);
	if (store->base[kind] < 0)
		return verity_fail_errno(err, errno, "store");
	store->folder[kind] = openat(base_fd, OVERLAY_STORE_FOLDER,
				     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (store->folder[kind] < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "folder '" OVERLAY_STORE_FOLDER "'");
	return 0;
}

int overlay_store_open(int data_fd, int persist_fd, struct overlay_store **ret,
		       struct verity_error *err)
{
	cleanup_with(overlay_store_free_p) struct overlay_store *store =
		calloc(1, sizeof(*store));
	int r;

	if (!store)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t kind = 0; kind < OVERLAY_KINDS; kind++)
		store->base[kind] = store->folder[kind] = -1;
	r = open_kind(store, OVERLAY_ORDINARY, data_fd, err);
	if (r == 0)
		r = open_kind(store, OVERLAY_PERSISTENT, persist_fd, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&store);
	return 0;
}

int overlay_store_folder(const struct overlay_store *store, enum overlay_store_kind kind)
{
	return store->folder[kind];
}

void overlay_entry_file(const struct overlay_entry *entry, char ret[static 80])
{
	snprintf(ret, 80, "%s" VERITY_PACKAGE_SUFFIX, entry->name);
}

/* A list that grows; ends with the scope unless its entries are taken. */
struct list {
	struct overlay_entry *entries;
	size_t count;
	size_t room;
};

static void list_free_p(struct list *list)
{
	free(list->entries);
}

static int list_add(struct list *list, const char *name, enum overlay_store_kind kind)
{
	struct overlay_entry *entry;

	if (list->count == list->room) {
		size_t room = list->room ? list->room * 2 : 16;

		entry = reallocarray(list->entries, room, sizeof(*entry));
		if (!entry)
			return -ENOMEM;
		list->entries = entry;
		list->room = room;
	}
	entry = &list->entries[list->count++];
	memset(entry, 0, sizeof(*entry));
	snprintf(entry->name, sizeof(entry->name), "%s", name);
	entry->kind = kind;
	return 0;
}

static int list_folder(int folder, enum overlay_store_kind kind, struct list *list,
		       struct verity_error *err)
{
	cleanup_dir DIR *dir = NULL;
	char name[VERITY_NAME_MAX + 1];
	const struct dirent *item;
	int r = verity_dir_open(folder, ".", &dir);

	if (r < 0)
		return verity_fail_errno(err, -r, "store");
	while (errno = 0, (item = readdir(dir))) {
		if (verity_name_from_path(item->d_name, name, NULL) < 0)
			continue;
		if (list_add(list, name, kind) < 0)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	}
	return errno ? verity_fail_errno(err, errno, "store") : 0;
}

static int compare(const void *a, const void *b)
{
	const struct overlay_entry *left = a;
	const struct overlay_entry *right = b;
	int order = strcmp(left->name, right->name);

	return order ? order : (int)right->kind - (int)left->kind;
}

/* What is left of a move is none of the installed packages. */
static size_t drop_moved(struct overlay_entry *entries, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (kept == 0 || strcmp(entries[kept - 1].name, entries[i].name) != 0)
			entries[kept++] = entries[i];
	return kept;
}

int overlay_store_list(const struct overlay_store *store, struct overlay_entry **ret,
		       size_t *ret_count, struct verity_error *err)
{
	cleanup_with(list_free_p) struct list list = {0};

	for (unsigned kind = 0; kind < OVERLAY_KINDS; kind++) {
		int r;

		if (store->folder[kind] < 0)
			continue;
		r = list_folder(store->folder[kind], (enum overlay_store_kind)kind, &list,
				err);
		if (r < 0)
			return r;
	}
	if (list.count > 1)
		qsort(list.entries, list.count, sizeof(*list.entries), compare);
	*ret_count = drop_moved(list.entries, list.count);
	*ret = steal_ptr(&list.entries);
	return 0;
}

static bool is_there(const struct overlay_store *store, const struct overlay_entry *entry)
{
	char file[80];
	struct stat st;

	overlay_entry_file(entry, file);
	return store->folder[entry->kind] >= 0 &&
	       fstatat(store->folder[entry->kind], file, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

int overlay_store_find(const struct overlay_store *store, const char *name,
		       struct overlay_entry *ret, struct verity_error *err)
{
	struct overlay_entry entry = {.kind = OVERLAY_PERSISTENT};

	if (!verity_name_valid(name))
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "no package of that name is installed");
	snprintf(entry.name, sizeof(entry.name), "%s", name);
	if (!is_there(store, &entry)) {
		entry.kind = OVERLAY_ORDINARY;
		if (!is_there(store, &entry))
			return verity_fail(err, VERITY_E_NOT_FOUND,
					   "package '%s' is not installed", name);
	}
	*ret = entry;
	return 0;
}

/*
 * What a move left in the ordinary store would be the package again without the
 * persistent one: it goes first, and for good. ENOENT is what there is in most cases.
 */
static int remove_moved(const struct overlay_store *store, const char *file,
			struct verity_error *err)
{
	int folder = store->folder[OVERLAY_ORDINARY];

	if (folder < 0)
		return 0;
	if (unlinkat(folder, file, 0) < 0 && errno != ENOENT)
		return verity_fail_errno(err, errno, "the ordinary %s", file);
	if (fsync(folder) < 0)
		return verity_fail_errno(err, errno, "the ordinary %s", file);
	return 0;
}

int overlay_store_remove(struct overlay_store *store, const struct overlay_entry *entry,
			 struct verity_error *err)
{
	int folder = store->folder[entry->kind];
	char file[80];
	int r = 0;

	overlay_entry_file(entry, file);
	if (entry->kind == OVERLAY_PERSISTENT)
		r = remove_moved(store, file, err);
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
