/* SPDX-License-Identifier: MIT */
/* A tar archive as the source of an image (libarchive). */
#include "overlay/image/compressed.h"
#include "overlay/image/entry.h"
#include "overlay/image/rules.h"
#include "overlay/image/sources.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>

#define READ_BYTES (256 * 1024)

/* One pass over an archive's entries. */
struct tar {
	struct archive *archive;
	locale_t locale; /* one that leaves names as they are */
	locale_t previous;
	uint64_t entry; /* number of the current one, from 0 */
	bool is_base;
};

static int path_fail(struct verity_error *err, const char *path, const char *why)
{
	char shown[IMAGE_PATH_SHOWN];

	return verity_fail(err, VERITY_E_BAD_TREE, "%s: %s", image_path_show(path, shown),
			   why);
}

/* The archive's own words may hold names from it. @path: the entry; NULL: the archive */
static int tar_fail(const struct tar *tar, const char *path, struct verity_error *err)
{
	const char *why = archive_error_string(tar->archive);
	char reason[IMAGE_PATH_SHOWN];

	if (archive_errno(tar->archive) == ENOMEM)
		return verity_fail_errno(err, ENOMEM, "tree");
	image_path_show(why ? why : "unknown error", reason);
	if (path)
		return path_fail(err, path, reason);
	return verity_fail(err, VERITY_E_BAD_TREE, "%s", reason);
}

static int tar_unknown(const struct tar *tar, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_BAD_TREE,
			   tar->is_base ? "neither a folder, a tar archive nor a list of "
					  "'wmopkg-build base'"
					: "neither a folder nor a tar archive");
}

static void tar_close(struct tar *tar)
{
	archive_read_free(tar->archive);
	if (!tar->locale)
		return;
	uselocale(tar->previous);
	freelocale(tar->locale);
}

/*
 * From the start of the file. @ret: tar_close(), whatever is returned. In the C locale
 * libarchive cannot hold names outside ASCII.
 */
static int tar_open(int fd, const struct image_tree *tree, struct tar *ret,
		    struct verity_error *err)
{
	struct archive *archive = archive_read_new();

	*ret = (struct tar){
		.archive = archive, .entry = UINT64_MAX, .is_base = tree->is_base};
	if (!archive)
		return verity_fail_errno(err, ENOMEM, "tree");
	ret->locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	if (!ret->locale)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "tar archives need the locale C.UTF-8");
	ret->previous = uselocale(ret->locale);
	if (lseek(fd, 0, SEEK_SET) < 0)
		return verity_fail_errno(err, errno, "cannot read it");
	if (image_filters_add(archive) == 0 &&
	    archive_read_support_format_tar(archive) == ARCHIVE_OK &&
	    (!tree->is_list ||
	     archive_read_support_format_mtree(archive) == ARCHIVE_OK) &&
	    archive_read_open_fd(archive, fd, READ_BYTES) == ARCHIVE_OK)
		return 0;
	if (archive_errno(archive) == ENOMEM)
		return verity_fail_errno(err, ENOMEM, "tree");
	return tar_unknown(ret, err);
}

/* Return: 1 and @ret, borrowed until the next call; 0 after the last; negative. */
static int tar_next(struct tar *tar, struct archive_entry **ret, struct verity_error *err)
{
	int r = archive_read_next_header(tar->archive, ret);
	bool is_tar = archive_format(tar->archive) != 0;

	if (r == ARCHIVE_EOF && is_tar)
		return 0;
	if (r != ARCHIVE_OK && r != ARCHIVE_WARN) {
		if (tar->entry != UINT64_MAX || is_tar ||
		    archive_errno(tar->archive) == ENOMEM)
			return tar_fail(tar, NULL, err);
		return tar_unknown(tar, err);
	}
	tar->entry++;
	return 1;
}

/* The folder called @name in @folder, made where the archive has not named it. */
static int folder_enter(struct image_tree *tree, struct image_node **folder,
			const char *name, struct verity_error *err)
{
	struct image_node *below = image_node_child(*folder, name);

	if (!below || below->marker) {
		struct image_inode *inode =
			image_inode_new(tree, S_IFDIR | 0755, tree->source_date);
		int r;

		if (!inode)
			return verity_fail_errno(err, ENOMEM, "tree");
		r = image_rules_add(tree, *folder, name, inode, err);
		if (r < 0)
			return r;
		below = image_node_child(*folder, name);
	}
	if (!S_ISDIR(below->inode->mode))
		return image_node_fail(err, below, NULL,
				       "not a folder, but the archive has entries in it");
	*folder = below;
	return 0;
}

/*
 * Splits @path into the folder that its entry lies in and the entry's own name, "" for
 * the root. Slashes in front, empty names and "." are skipped.
 * @make: make folders on the way; otherwise a missing one is a @ret_folder of NULL
 */
static int path_split(struct image_tree *tree, const char *path, bool make,
		      struct image_node **ret_folder,
		      char ret_name[static IMAGE_NAME_MAX + 1], struct verity_error *err)
{
	struct image_node *folder = tree->root;
	const char *rest = path;
	size_t length;
	int r = 0;

	if (strlen(path) > IMAGE_PATH_MAX)
		return path_fail(err, path, "path longer than 4095 bytes");
	ret_name[0] = '\0';
	for (; folder; rest += length) {
		rest += strspn(rest, "/");
		length = strcspn(rest, "/");
		if (length == 0)
			break;
		if (length == 1 && *rest == '.')
			continue;
		if (length > IMAGE_NAME_MAX)
			return path_fail(err, rest, "name longer than 255 bytes");
		if (ret_name[0] && make)
			r = folder_enter(tree, &folder, ret_name, err);
		else if (ret_name[0])
			folder = image_node_child(folder, ret_name);
		if (r < 0)
			return r;
		memcpy(ret_name, rest, length);
		ret_name[length] = '\0';
		if (strcmp(ret_name, "..") == 0)
			return path_fail(err, path, "'..' leads out of the tree");
	}
	*ret_folder = folder;
	return 0;
}

static int hardlink_find(struct image_tree *tree, const char *path, const char *target,
			 struct image_inode **ret, struct verity_error *err)
{
	char name[IMAGE_NAME_MAX + 1];
	struct image_node *folder = NULL, *node;
	int r = path_split(tree, target, false, &folder, name, err);

	if (r < 0)
		return r;
	node = folder ? image_node_child(folder, name) : NULL;
	if (!node)
		return path_fail(err, path,
				 "hard link to a file that is not in the archive");
	if (S_ISDIR(node->inode->mode))
		return path_fail(err, path, "hard link to a folder");
	*ret = node->inode;
	return 0;
}

static int entry_add(const struct tar *tar, struct image_tree *tree,
		     struct archive_entry *entry, struct verity_error *err)
{
	const char *path = archive_entry_pathname(entry);
	const char *target = archive_entry_hardlink(entry);
	char name[IMAGE_NAME_MAX + 1];
	struct image_inode *inode = NULL;
	struct image_node *folder;
	int r;

	if (!path)
		return tar_fail(tar, NULL, err);
	r = path_split(tree, path, true, &folder, name, err);
	if (r < 0)
		return r;
	if (*name == '\0')
		return archive_entry_filetype(entry) == AE_IFDIR
			       ? image_entry_root(tree, entry, err)
			       : path_fail(err, path, "the root must be a folder");
	if (target && image_rules_is_whiteout(name) && image_rules_is_whiteout(target)) {
		/* aufs has one file of which all its whiteouts are names */
		inode = image_inode_new(tree, S_IFREG, 0);
		if (!inode)
			return verity_fail_errno(err, ENOMEM, "tree");
	} else if (target) {
		r = hardlink_find(tree, path, target, &inode, err);
	} else {
		r = image_entry_inode(tree, folder, name, entry, &inode, err);
		if (r == 0)
			inode->entry = tar->entry;
	}
	return r == 0 ? image_rules_add(tree, folder, name, inode, err) : r;
}

int image_tar_scan(int fd, struct image_tree *tree, struct verity_error *err)
{
	cleanup_with(tar_close) struct tar tar = {.archive = NULL};
	struct archive_entry *entry;
	int r = image_compressed_check(fd, err);

	if (r == 0)
		r = tar_open(fd, tree, &tar, err);
	while (r == 0) {
		r = tar_next(&tar, &entry, err);
		if (r <= 0)
			break;
		r = entry_add(&tar, tree, entry, err);
	}
	return r;
}

static int data_copy(const struct tar *tar, const char *path, struct image_writer *writer,
		     uint64_t bytes, struct verity_error *err)
{
	const void *part;
	size_t count;
	int64_t at;
	int r = 0;

	while (r == 0) {
		int a = archive_read_data_block(tar->archive, &part, &count, &at);

		if (a == ARCHIVE_EOF)
			break;
		if (a != ARCHIVE_OK)
			return tar_fail(tar, path, err);
		if (at < 0 || (uint64_t)at < writer->offset || (uint64_t)at > bytes ||
		    count > bytes - (uint64_t)at)
			return path_fail(err, path, "changed while it was read");
		r = image_data_put(writer, (uint64_t)at, part, count, err);
	}
	return r;
}

/* Inodes are in the order of the archive's entries. */
int image_tar_data(int fd, struct image_tree *tree, struct image_writer *writer,
		   struct verity_error *err)
{
	struct image_inode *inode = tree->inodes;
	cleanup_with(tar_close) struct tar tar;
	struct archive_entry *entry;
	int r = tar_open(fd, tree, &tar, err);

	while (r == 0) {
		const char *path;

		/* Skips what has no data, and what a later entry has replaced. */
		while (inode && (inode->number == 0 || !S_ISREG(inode->mode) ||
				 inode->entry == IMAGE_NO_ENTRY))
			inode = inode->next;
		r = tar_next(&tar, &entry, err);
		if (r <= 0)
			break;
		r = 0;
		if (!inode || inode->entry != tar.entry)
			continue;
		path = archive_entry_pathname(entry);
		if (!path || !S_ISREG(archive_entry_mode(entry)) ||
		    (uint64_t)archive_entry_size(entry) != inode->bytes)
			break;
		r = image_data_begin(writer, inode, err);
		if (r == 0)
			r = data_copy(&tar, path, writer, inode->bytes, err);
		if (r == 0)
			r = image_data_end(writer, err);
		inode = inode->next;
	}
	if (r == 0 && inode)
		return verity_fail(err, VERITY_E_BAD_TREE, "changed while it was read");
	return r;
}
