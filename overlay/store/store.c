/* SPDX-License-Identifier: MIT */
/* Opens both stores, lists them and finds a package in them. */
#include "overlay/store/store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "verity/format/format.h"
#include "verity/util/dir.h"

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

const char *store_name(enum overlay_store_kind kind)
{
	return kind == OVERLAY_PERSISTENT ? "persist" : "data";
}

int store_open_folder(struct overlay_store *store, size_t kind, struct verity_error *err)
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
		r = store_open_folder(store, kind, err);
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

bool store_is_misspelt(int folder, const char *file,
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
		if (folder >= 0 && fstatat(folder, file, &st, AT_SYMLINK_NOFOLLOW) < 0) {
			if (errno != ENOENT)
				return verity_fail_errno(err, errno, "%s", file);
			continue;
		}
		if (folder < 0 || store_is_misspelt(folder, file, listed))
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
