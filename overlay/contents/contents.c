/* SPDX-License-Identifier: MIT */
/* The walk through an image: each folder once, in the order in which they are found. */
#include "overlay/contents/contents.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "overlay/contents/squashfs.h"

#define READS_MAX (1U << 20)
#define RUN_MAX   256 /* entries in a run of a listing */

/* A folder that is still to be listed. */
struct folder {
	size_t entry; /* its index in the list; NO_ENTRY: the root */
	uint32_t block;
	uint16_t offset;
	uint32_t bytes;
};

#define NO_ENTRY SIZE_MAX

struct walk {
	struct squashfs image;
	struct contents_list list;
	struct folder *folders; /* owned */
	size_t count, allocated, done;
	uint8_t *seen; /* owned: a bit for each inode number of a folder that was found */
};

/* Refuses a folder in a second place: it would be a loop, or grow without bounds. */
static int add_folder(struct walk *walk, size_t entry, const char *path,
		      const struct squashfs_inode *inode, struct verity_error *err)
{
	uint8_t bit = (uint8_t)(1U << inode->number % 8);

	if (inode->number == 0 || inode->number > walk->image.super.inode_count)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder with inode number %" PRIu32
				   " of %" PRIu32,
				   inode->number, walk->image.super.inode_count);
	if (walk->seen[inode->number / 8] & bit)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: the folder '%.128s' is in two places", path);
	walk->seen[inode->number / 8] |= bit;
	if (walk->count == walk->allocated) {
		size_t more = walk->allocated + walk->allocated / 2 + 16;
		struct folder *grown = reallocarray(walk->folders, more, sizeof(*grown));

		if (!grown)
			return verity_no_memory(err);
		walk->folders = grown;
		walk->allocated = more;
	}
	walk->folders[walk->count++] = (struct folder){
		.entry = entry,
		.block = inode->listing_block,
		.offset = inode->listing_offset,
		.bytes = inode->listing_bytes,
	};
	return 0;
}

static int read_target(struct walk *walk, const struct squashfs_inode *inode,
		       struct overlay_contents_entry *entry, struct verity_error *err)
{
	char *target = NULL;
	int r = contents_list_text(&walk->list, inode->target_bytes, &target, err);

	if (r == 0)
		r = squashfs_read(&walk->image, walk->image.inodes, "a link", target,
				  inode->target_bytes, err);
	if (r < 0)
		return r;
	if (strlen(target) != inode->target_bytes || inode->target_bytes == 0)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: '%.128s': the target of the link is empty or "
				   "has a NUL byte",
				   entry->path);
	entry->target = target;
	return 0;
}

static int add_entry(struct walk *walk, const char *folder, uint64_t reference,
		     const char *name, size_t name_bytes, struct verity_error *err)
{
	struct overlay_contents_entry *entry = NULL;
	struct squashfs_xattr_set set = {.known = false};
	struct squashfs_inode inode = {0};
	int r = contents_list_add(&walk->list, folder, name, name_bytes, &entry, err);

	if (r == 0)
		r = squashfs_inode_read(&walk->image, reference, &inode, err);
	if (r < 0)
		return r;
	entry->kind = inode.kind;
	/* At once, while the reader of inodes is at the target. */
	if (inode.kind == OVERLAY_CONTENTS_LINK)
		return read_target(walk, &inode, entry, err);
	if (inode.kind != OVERLAY_CONTENTS_FOLDER && inode.kind != OVERLAY_CONTENTS_FILE)
		return 0;
	if (inode.xattrs != SQUASHFS_NO_XATTRS)
		r = squashfs_xattrs_read(&walk->image, inode.xattrs, &set, err);
	entry->redirected = set.redirected;
	if (r < 0 || inode.kind != OVERLAY_CONTENTS_FOLDER)
		return r;
	entry->mode = inode.mode;
	r = squashfs_owner_read(&walk->image, inode.uid_index, &entry->uid, err);
	if (r == 0)
		r = squashfs_owner_read(&walk->image, inode.gid_index, &entry->gid, err);
	if (r < 0)
		return r;
	if (set.opaque)
		entry->kind = OVERLAY_CONTENTS_OPAQUE;
	return add_folder(walk, walk->list.contents.count - 1, entry->path, &inode, err);
}

/* @left: bytes of the listing that are left, which bound @count */
static int read_listing(struct walk *walk, void *ret, uint32_t count, uint32_t *left,
			struct verity_error *err)
{
	if (count > *left)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder ends within an entry");
	*left -= count;
	return squashfs_read(&walk->image, walk->image.listings, "a folder", ret, count,
			     err);
}

/* A run: how many entries less one, the block of their inodes, the first one's number. */
static int list_run(struct walk *walk, const char *folder, uint32_t *left,
		    struct verity_error *err)
{
	char name[OVERLAY_CONTENTS_NAME_MAX + 1];
	uint32_t head[3];
	uint16_t entry[4]; /* offset in the block, number, type, bytes of the name less 1
			    */
	int r = read_listing(walk, head, sizeof(head), left, err);

	if (r < 0)
		return r;
	if (le32toh(head[0]) >= RUN_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder with a run of %" PRIu32 " names",
				   le32toh(head[0]));
	for (uint32_t i = 0; r == 0 && i <= le32toh(head[0]); i++) {
		uint32_t name_bytes;

		r = read_listing(walk, entry, sizeof(entry), left, err);
		if (r < 0)
			return r;
		name_bytes = le16toh(entry[3]) + 1U;
		if (name_bytes > sizeof(name))
			return verity_fail(err, VERITY_E_BAD_IMAGE,
					   "image: a name of %" PRIu32
					   " bytes; expected 1 to %d",
					   name_bytes, OVERLAY_CONTENTS_NAME_MAX);
		r = read_listing(walk, name, name_bytes, left, err);
		if (r == 0)
			r = add_entry(walk, folder,
				      (uint64_t)le32toh(head[1]) << 16 |
					      le16toh(entry[0]),
				      name, name_bytes, err);
	}
	return r;
}

static int list_folder(struct walk *walk, const struct folder *folder,
		       struct verity_error *err)
{
	const char *path = folder->entry == NO_ENTRY
				   ? ""
				   : walk->list.contents.entries[folder->entry].path;
	uint32_t left = folder->bytes;
	int r = 0;

	if (left > 0)
		r = squashfs_seek(&walk->image, walk->image.listings, "a folder",
				  walk->image.super.directory_table_start,
				  (uint64_t)folder->block << 16 | folder->offset, err);
	while (r == 0 && left > 0)
		r = list_run(walk, path, &left, err);
	return r;
}

static int add_root(struct walk *walk, struct verity_error *err)
{
	const sqfs_super_t *super = &walk->image.super;
	struct squashfs_inode root;
	int r;

	if (super->inode_count > walk->list.limits->entries + 1)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: more than %zu files and folders",
				   walk->list.limits->entries);
	walk->seen = calloc(super->inode_count / 8 + 1, 1);
	if (!walk->seen)
		return verity_no_memory(err);
	r = squashfs_inode_read(&walk->image, super->root_inode_ref, &root, err);
	if (r < 0)
		return r;
	if (root.kind != OVERLAY_CONTENTS_FOLDER)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: its root is not a folder");
	return add_folder(walk, NO_ENTRY, "/", &root, err);
}

int contents_read_image(int fd, uint64_t start, uint64_t bytes,
			const struct contents_limits *limits,
			struct overlay_contents *ret, struct verity_error *err)
{
	struct walk walk = {.list.limits = limits};
	int r = squashfs_open(fd, start, bytes, limits->reads, &walk.image, err);

	if (r == 0)
		r = add_root(&walk, err);
	while (r == 0 && walk.done < walk.count) {
		/* A copy: the array may move while the folder is listed. */
		struct folder folder = walk.folders[walk.done++];

		r = list_folder(&walk, &folder, err);
	}
	if (r == 0)
		r = contents_list_finish(&walk.list, ret, err);
	squashfs_close(&walk.image);
	overlay_contents_free(&walk.list.contents); /* empty where @ret has it */
	free(walk.folders);
	free(walk.seen);
	return r;
}

static const struct contents_limits limits_of_devices = {
	.entries = OVERLAY_CONTENTS_MAX,
	.text_bytes = OVERLAY_CONTENTS_TEXT_MAX,
	.reads = READS_MAX,
};

int overlay_contents_check(int fd, uint64_t bytes, struct verity_error *err)
{
	struct overlay_contents contents;
	int r = contents_read_image(fd, 0, bytes, &limits_of_devices, &contents, err);

	if (r == 0)
		overlay_contents_free(&contents);
	return r;
}

int overlay_contents_read_within(const struct verity_verified *verified,
				 struct contents_limits *left,
				 struct overlay_contents *ret, struct verity_error *err)
{
	const struct verity_layout *layout = verity_verified_layout(verified);
	int r = contents_read_image(verity_verified_fd(verified), layout->image_start,
				    layout->image_bytes, left, ret, err);

	if (r == -E2BIG)
		*left = (struct contents_limits){.entries = 0};
	if (r < 0)
		return r;
	contents_limits_lower(left, ret);
	return 0;
}

int overlay_contents_read(const struct verity_verified *verified,
			  struct overlay_contents *ret, struct verity_error *err)
{
	const struct verity_layout *layout = verity_verified_layout(verified);

	return contents_read_image(verity_verified_fd(verified), layout->image_start,
				   layout->image_bytes, &limits_of_devices, ret, err);
}
