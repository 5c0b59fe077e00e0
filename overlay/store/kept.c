/* SPDX-License-Identifier: MIT */
/* The record of what was changed since the boot. */
#include "overlay/store/kept.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "overlay/fs/lock.h"
#include "verity/format/format.h"
#include "verity/util/io.h"

#define FILE_NAME "changes"
#define LOCK_NAME "changes"

/* Written by this version in this boot, and by no other. */
#define MAGIC UINT64_C(0x3165676e61686377)

void overlay_kept_free(struct overlay_kept *kept)
{
	free(kept->items);
	*kept = (struct overlay_kept){.count = 0};
}

int overlay_kept_lock(const char *run, int *ret, struct verity_error *err)
{
	cleanup_fd int locks = -1;
	int r = overlay_lock_folder_open(run, &locks, err);

	return r < 0 ? r
		     : overlay_lock_take(locks, LOCK_NAME,
					 "another program changes the packages", false,
					 OVERLAY_LOCK_WAIT_MS, ret, err);
}

/* Ends every text, and refuses numbers that no item has. */
static bool check_items(struct overlay_kept_item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		items[i].name[sizeof(items[i].name) - 1] = '\0';
		if (!verity_name_valid(items[i].name) || items[i].kind > 1 ||
		    items[i].lost > OVERLAY_KEPT_QUARANTINED || items[i].change == 0)
			return false;
	}
	return true;
}

int overlay_kept_load(const char *run, struct overlay_kept *ret, struct verity_error *err)
{
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	cleanup_free struct overlay_kept_item *items = NULL;
	uint64_t magic = 0;
	cleanup_fd int fd = -1;
	size_t bytes;
	struct stat st;

	*ret = (struct overlay_kept){.count = 0};
	if (folder < 0 ||
	    verity_io_open(folder, FILE_NAME, O_RDONLY | O_NOFOLLOW, &fd, &st, NULL) < 0)
		return 0;
	if (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH) ||
	    st.st_size < (off_t)sizeof(magic))
		return 0;
	bytes = (size_t)st.st_size - sizeof(magic);
	if (bytes % sizeof(*items) != 0 || bytes / sizeof(*items) > OVERLAY_KEPT_MAX ||
	    verity_io_read(fd, &magic, sizeof(magic), 0, NULL) < 0 || magic != MAGIC)
		return 0;
	items = malloc(bytes + 1);
	if (!items)
		return verity_no_memory(err);
	if (verity_io_read(fd, items, bytes, sizeof(magic), NULL) < 0 ||
	    !check_items(items, bytes / sizeof(*items)))
		return 0;
	ret->count = bytes / sizeof(*items);
	ret->items = steal_ptr(&items);
	return 0;
}

static int store(const char *run, const struct overlay_kept *kept,
		 struct verity_error *err)
{
	size_t bytes = kept->count * sizeof(*kept->items);
	cleanup_free uint8_t *content = malloc(sizeof(MAGIC) + bytes);
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (!content)
		return verity_no_memory(err);
	if (folder < 0)
		return verity_fail_errno(err, errno, "%s", run);
	memcpy(content, &(uint64_t){MAGIC}, sizeof(MAGIC));
	if (bytes)
		memcpy(content + sizeof(MAGIC), kept->items, bytes);
	return verity_io_replace(folder, FILE_NAME, 0600, content, sizeof(MAGIC) + bytes,
				 err);
}

int overlay_kept_store(const char *run, const struct overlay_kept *kept,
		       struct verity_error *err)
{
	int r = store(run, kept, err);

	if (r < 0)
		overlay_kept_forget(run);
	return r;
}

void overlay_kept_store_undone(const char *run, const struct overlay_kept *kept)
{
	(void)!store(run, kept, NULL);
}

void overlay_kept_forget(const char *run)
{
	cleanup_fd int folder = open(run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (folder >= 0)
		(void)unlinkat(folder, FILE_NAME, 0);
}

int overlay_kept_add(struct overlay_kept *kept, const struct overlay_kept_item *item,
		     struct verity_error *err)
{
	struct overlay_kept_item *grown;

	if (kept->count >= OVERLAY_KEPT_MAX)
		overlay_kept_delete(kept, kept->items);
	grown = reallocarray(kept->items, kept->count + 1, sizeof(*grown));
	if (!grown)
		return verity_no_memory(err);
	kept->items = grown;
	kept->items[kept->count++] = *item;
	return 0;
}

struct overlay_kept_item *overlay_kept_find(const struct overlay_kept *kept,
					    uint32_t change, const char *name)
{
	for (size_t i = 0; i < kept->count; i++)
		if (kept->items[i].change == change &&
		    strcmp(kept->items[i].name, name) == 0)
			return &kept->items[i];
	return NULL;
}

bool overlay_kept_equal(const struct overlay_kept_item *a,
			const struct overlay_kept_item *b)
{
	return a->change == b->change && a->kind == b->kind &&
	       overlay_kept_same(&a->made, &b->made) &&
	       overlay_kept_same(&a->before[0], &b->before[0]) &&
	       overlay_kept_same(&a->before[1], &b->before[1]) && a->lost == b->lost &&
	       strcmp(a->name, b->name) == 0;
}

struct overlay_kept_id overlay_kept_identify(const struct stat *st)
{
	return (struct overlay_kept_id){
		.inode = st->st_ino,
		.bytes = (uint64_t)st->st_size,
		.modified_ns =
			st->st_mtim.tv_sec * INT64_C(1000000000) + st->st_mtim.tv_nsec,
	};
}

bool overlay_kept_same(const struct overlay_kept_id *a, const struct overlay_kept_id *b)
{
	return a->inode == b->inode && a->bytes == b->bytes &&
	       a->modified_ns == b->modified_ns;
}

void overlay_kept_delete(struct overlay_kept *kept, struct overlay_kept_item *item)
{
	size_t at = (size_t)(item - kept->items);

	memmove(item, item + 1, (kept->count - at - 1) * sizeof(*item));
	kept->count--;
}

void overlay_kept_file(const struct overlay_kept_item *item,
		       char ret[static OVERLAY_KEPT_FILE_BYTES])
{
	snprintf(ret, OVERLAY_KEPT_FILE_BYTES,
		 OVERLAY_KEPT_PREFIX "%" PRIu32 "_%s" VERITY_PACKAGE_SUFFIX ".new",
		 item->change, item->name);
}

bool overlay_kept_has(const struct overlay_kept *kept, uint32_t kind, const char *file)
{
	char name[OVERLAY_KEPT_FILE_BYTES];

	for (size_t i = 0; i < kept->count; i++) {
		overlay_kept_file(&kept->items[i], name);
		if (kept->items[i].before[kind].inode && strcmp(name, file) == 0)
			return true;
	}
	return false;
}

const char *overlay_kept_explain(enum overlay_kept_lost lost)
{
	static const char *const texts[] = {
		[OVERLAY_KEPT_WHOLE] = "",
		[OVERLAY_KEPT_ROOM] = "its file was deleted to make room",
		[OVERLAY_KEPT_UNABLE] = "the file system could not keep its file",
		[OVERLAY_KEPT_FOLDER] = "it was a folder, not a package",
		[OVERLAY_KEPT_QUARANTINED] = "what was replaced was quarantined",
	};

	return texts[lost];
}
