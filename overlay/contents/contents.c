/* SPDX-License-Identifier: MIT */
#include "overlay/contents/contents.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "overlay/contents/contents_private.h"
#include "verity/util/cleanup.h"

#define READS_MAX (1U << 20)

/* A listing: runs of entries, each with a head. */
#define RUN_BYTES   12 /* entries less one, block of their inodes, number of the first */
#define RUN_MAX     256
#define ENTRY_BYTES 8 /* offset in the block, number, type, bytes of the name */

/* A folder that is still to be listed. */
struct folder {
	size_t entry; /* its index in the list; NO_ENTRY: the root */
	uint32_t block;
	uint16_t offset;
	uint32_t bytes;
};

#define NO_ENTRY SIZE_MAX

/* The folders of an image are read as they are found: nothing here calls itself. */
struct walk {
	struct contents_image image;
	struct contents_list list;
	struct folder *folders; /* owned */
	size_t count, room, done;
	uint8_t *seen; /* owned: a bit for each inode number of a folder that was found */
};

static void walk_free_p(struct walk *walk)
{
	contents_image_close(&walk->image);
	overlay_contents_free(&walk->list.contents);
	free(walk->folders);
	free(walk->seen);
}

/* Each folder is in one place: what else would be a loop, or grow without bounds. */
static int check_once(struct walk *walk, uint32_t number, const char *path,
		      struct verity_error *err)
{
	uint8_t bit;

	if (number == 0 || number > walk->image.super.inode_count)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder with the number %" PRIu32
				   " of %" PRIu32,
				   number, walk->image.super.inode_count);
	bit = (uint8_t)(1U << number % 8);
	if (walk->seen[number / 8] & bit)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: the folder '%.128s' is there in another place "
				   "too",
				   path);
	walk->seen[number / 8] |= bit;
	return 0;
}

static int add_folder(struct walk *walk, size_t entry, const char *path,
		      const struct contents_inode *inode, struct verity_error *err)
{
	size_t room = walk->room + walk->room / 2 + 16;
	int r = check_once(walk, inode->number, path, err);

	if (r < 0)
		return r;
	if (walk->count == walk->room) {
		struct folder *grown = reallocarray(walk->folders, room, sizeof(*grown));

		if (!grown)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
		walk->folders = grown;
		walk->room = room;
	}
	walk->folders[walk->count++] = (struct folder){
		.entry = entry,
		.block = inode->listing_block,
		.offset = inode->listing_offset,
		.bytes = inode->listing_bytes,
	};
	return 0;
}

static int take_target(struct walk *walk, const struct contents_inode *inode,
		       struct overlay_contents_entry *entry, struct verity_error *err)
{
	char *target = NULL;
	int code, r = contents_list_text(&walk->list, inode->target_bytes, &target, err);

	if (r < 0)
		return r;
	code = sqfs_meta_reader_read(walk->image.inodes, target, inode->target_bytes);
	if (code != 0)
		return contents_image_fail(&walk->image, code, "a link", err);
	if (strlen(target) != inode->target_bytes || inode->target_bytes == 0)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: '%.128s': a link that is empty, or has a zero "
				   "in it",
				   entry->path);
	entry->target = target;
	return 0;
}

static int take_attributes(struct walk *walk, const struct contents_inode *inode,
			   struct overlay_contents_entry *entry, struct verity_error *err)
{
	bool opaque = false;
	int r;

	if (inode->attributes == CONTENTS_NO_ATTRIBUTES)
		return 0;
	r = contents_attributes_look(&walk->image, inode->attributes, &opaque,
				     &entry->redirected, err);
	if (r == 0 && opaque && entry->kind == OVERLAY_CONTENTS_FOLDER)
		entry->kind = OVERLAY_CONTENTS_OPAQUE;
	return r;
}

static int take_entry(struct walk *walk, const char *folder, uint64_t place,
		      const char *name, size_t name_bytes, struct verity_error *err)
{
	struct overlay_contents_entry *entry = NULL;
	struct contents_inode inode = {0};
	int r = contents_list_add(&walk->list, folder, name, name_bytes, &entry, err);

	if (r == 0)
		r = contents_inode_read(&walk->image, place, &inode, err);
	if (r < 0)
		return r;
	entry->kind = inode.kind;
	/* The target first: the reader stands at it. */
	if (inode.kind == OVERLAY_CONTENTS_LINK)
		r = take_target(walk, &inode, entry, err);
	if (r == 0 && (inode.kind == OVERLAY_CONTENTS_FOLDER ||
		       inode.kind == OVERLAY_CONTENTS_FILE))
		r = take_attributes(walk, &inode, entry, err);
	if (r == 0 && inode.kind == OVERLAY_CONTENTS_FOLDER)
		r = add_folder(walk, walk->list.contents.count - 1, entry->path, &inode,
			       err);
	return r;
}

/* @left: bytes of the listing that are left; what is taken must lie within. */
static int take(struct walk *walk, void *ret, uint32_t count, uint32_t *left,
		struct verity_error *err)
{
	int code;

	if (count > *left)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder ends within an entry");
	*left -= count;
	code = sqfs_meta_reader_read(walk->image.listings, ret, count);
	return code == 0 ? 0 : contents_image_fail(&walk->image, code, "a folder", err);
}

static int take_named(struct walk *walk, const char *folder, uint32_t block,
		      uint32_t *left, struct verity_error *err)
{
	char name[OVERLAY_CONTENTS_NAME_MAX + 1];
	uint16_t head[ENTRY_BYTES / sizeof(uint16_t)];
	uint32_t name_bytes;
	int r = take(walk, head, sizeof(head), left, err);

	if (r < 0)
		return r;
	name_bytes = le16toh(head[3]) + 1U;
	if (name_bytes > sizeof(name))
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a name of %" PRIu32
				   " bytes, where there are 1 to %d",
				   name_bytes, OVERLAY_CONTENTS_NAME_MAX);
	r = take(walk, name, name_bytes, left, err);
	if (r < 0)
		return r;
	return take_entry(walk, folder, (uint64_t)block << 16 | le16toh(head[0]), name,
			  name_bytes, err);
}

static int take_run(struct walk *walk, const char *folder, uint32_t *left,
		    struct verity_error *err)
{
	uint32_t head[RUN_BYTES / sizeof(uint32_t)];
	int r = take(walk, head, sizeof(head), left, err);

	if (r < 0)
		return r;
	if (le32toh(head[0]) >= RUN_MAX)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: a folder with a run of %" PRIu32 " names",
				   le32toh(head[0]));
	for (uint32_t i = 0; r == 0 && i <= le32toh(head[0]); i++)
		r = take_named(walk, folder, le32toh(head[1]), left, err);
	return r;
}

static int list_folder(struct walk *walk, const struct folder *folder,
		       struct verity_error *err)
{
	const char *path = folder->entry == NO_ENTRY
				   ? ""
				   : walk->list.contents.entries[folder->entry].path;
	uint32_t left = folder->bytes;
	int code, r = 0;

	if (left == 0)
		return 0;
	code = sqfs_meta_reader_seek(
		walk->image.listings,
		walk->image.super.directory_table_start + folder->block, folder->offset);
	if (code != 0)
		return contents_image_fail(&walk->image, code, "a folder", err);
	while (r == 0 && left > 0)
		r = take_run(walk, path, &left, err);
	return r;
}

static int start(struct walk *walk, struct verity_error *err)
{
	const sqfs_super_t *super = &walk->image.super;
	struct contents_inode root;
	int r;

	if (super->inode_count > walk->list.limits->entries + 1)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "image: it has more than %zu files and folders",
				   walk->list.limits->entries);
	walk->seen = calloc(super->inode_count / 8 + 1, 1);
	if (!walk->seen)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = contents_inode_read(&walk->image, super->root_inode_ref, &root, err);
	if (r < 0)
		return r;
	if (root.kind != OVERLAY_CONTENTS_FOLDER)
		return verity_fail(err, VERITY_E_BAD_IMAGE,
				   "image: its root is no folder");
	return add_folder(walk, NO_ENTRY, "/", &root, err);
}

int contents_read_image(int fd, uint64_t start_byte, uint64_t bytes,
			const struct contents_limits *limits,
			struct overlay_contents *ret, struct verity_error *err)
{
	cleanup_with(walk_free_p) struct walk walk = {.list.limits = limits};
	int r = contents_image_open(fd, start_byte, bytes, limits->reads, &walk.image,
				    err);

	if (r == 0)
		r = start(&walk, err);
	while (r == 0 && walk.done < walk.count) {
		/* A copy: there may be more of them before it is done. */
		struct folder folder = walk.folders[walk.done++];

		r = list_folder(&walk, &folder, err);
	}
	if (r == 0)
		r = contents_list_seal(&walk.list, err);
	if (r < 0)
		return r;
	*ret = walk.list.contents;
	walk.list.contents = (struct overlay_contents){0};
	return 0;
}

int overlay_contents_read(const struct verity_verified *verified,
			  struct overlay_contents *ret, struct verity_error *err)
{
	static const struct contents_limits limits = {
		.entries = OVERLAY_CONTENTS_MAX,
		.text_bytes = OVERLAY_CONTENTS_TEXT_MAX,
		.reads = READS_MAX,
	};
	const struct verity_layout *layout = verity_verified_layout(verified);

	return contents_read_image(verity_verified_fd(verified), layout->image_start,
				   layout->image_bytes, &limits, ret, err);
}
