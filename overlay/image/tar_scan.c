/* SPDX-License-Identifier: MIT */
#include "overlay/image/rules.h"
#include "overlay/image/source.h"
#include "overlay/image/tar.h"

#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct scan {
	struct image_tar tar;
	struct image_tree *tree;
};

static void scan_close_p(struct scan *scan)
{
	image_tar_close_p(&scan->tar);
}

static int path_fail(struct verity_error *err, const char *path, const char *why)
{
	char shown[IMAGE_PATH_SHOWN];

	return verity_fail(err, VERITY_E_BAD_TREE, "%s: %s", image_path_show(path, shown),
			   why);
}

/*
 * Cuts the next name off a path; "" at its end. Slashes in front, empty names and "." are
 * passed over.
 */
static int name_next(const char **path, char ret[static IMAGE_NAME_MAX + 1],
		     struct verity_error *err)
{
	const char *start = *path;
	size_t length;

	do {
		start += strspn(start, "/");
		length = strcspn(start, "/");
		*path = start + length;
		if (length != 1 || *start != '.')
			break;
		start = *path;
	} while (*start);
	if (length == 1 && *start == '.')
		length = 0;
	if (length > IMAGE_NAME_MAX)
		return path_fail(err, start, "name longer than 255 bytes");
	memcpy(ret, start, length);
	ret[length] = '\0';
	return 0;
}

/* The folder called @name in @folder, made where the archive has not named it. */
static int folder_enter(struct scan *scan, struct image_node **folder, const char *name,
			struct verity_error *err)
{
	struct image_node *below = image_node_child(*folder, name);
	struct image_inode *inode;
	int r;

	if (!below || below->marker) {
		inode = image_inode_new(scan->tree, S_IFDIR | 0755,
					scan->tree->source_date);
		if (!inode)
			return verity_fail_errno(err, ENOMEM, "tree");
		r = image_rules_add(scan->tree, *folder, name, inode, err);
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
 * Splits @path into the folder its entry lies in and the entry's own name, "" for the
 * root.
 * @make: make folders on the way; without, one that is missing is -ENOENT and no error
 */
static int path_split(struct scan *scan, const char *path, bool make,
		      struct image_node **ret_folder,
		      char ret_name[static IMAGE_NAME_MAX + 1], struct verity_error *err)
{
	struct image_node *folder = scan->tree->root;
	char name[IMAGE_NAME_MAX + 1], next[IMAGE_NAME_MAX + 1];
	const char *rest = path;
	int r;

	if (strlen(path) > IMAGE_PATH_MAX)
		return path_fail(err, path, "path longer than 4095 bytes");
	r = name_next(&rest, name, err);
	while (r == 0) {
		if (strcmp(name, "..") == 0)
			return path_fail(err, path, "'..' leads out of the tree");
		r = name_next(&rest, next, err);
		if (r < 0 || *next == '\0')
			break;
		if (make)
			r = folder_enter(scan, &folder, name, err);
		else
			folder = image_node_child(folder, name);
		if (!folder)
			return -ENOENT;
		memcpy(name, next, sizeof(name));
	}
	if (r < 0)
		return r;
	memcpy(ret_name, name, sizeof(name));
	*ret_folder = folder;
	return 0;
}

static int xattrs_take(struct archive_entry *entry, const struct image_node *folder,
		       const char *name, struct image_inode *inode,
		       struct verity_error *err)
{
	const char *xattr;
	const void *value;
	size_t bytes;
	int r = 0;

	if (archive_entry_acl_count(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS |
						   ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) > 0)
		return image_rules_xattr(inode, folder, name, "system.posix_acl_access",
					 NULL, 0, err);
	archive_entry_xattr_reset(entry);
	while (r == 0 &&
	       archive_entry_xattr_next(entry, &xattr, &value, &bytes) == ARCHIVE_OK)
		r = image_rules_xattr(inode, folder, name, xattr, value, bytes, err);
	return r;
}

static int owner_take(struct archive_entry *entry, const struct image_node *folder,
		      const char *name, struct image_inode *inode,
		      struct verity_error *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return image_node_fail(err, folder, name, "owner number too large");
	inode->uid = (uint32_t)uid;
	inode->gid = (uint32_t)gid;
	return 0;
}

static int device_take(struct archive_entry *entry, const struct image_node *folder,
		       const char *name, struct image_inode *inode,
		       struct verity_error *err)
{
	if (image_inode_set_device(inode, archive_entry_rdevmajor(entry),
				   archive_entry_rdevminor(entry)) < 0)
		return image_node_fail(err, folder, name, "device number too large");
	return 0;
}

static int target_take(struct archive_entry *entry, const struct image_node *folder,
		       const char *name, struct image_inode *inode,
		       struct verity_error *err)
{
	const char *target = archive_entry_symlink(entry);

	if (!target || *target == '\0' || strlen(target) > IMAGE_PATH_MAX)
		return image_node_fail(err, folder, name, "not a link that can be");
	inode->target = strdup(target);
	if (!inode->target)
		return verity_fail_errno(err, ENOMEM, "tree");
	return 0;
}

static int details_take(struct scan *scan, struct archive_entry *entry,
			const struct image_node *folder, const char *name,
			struct image_inode *inode, struct verity_error *err)
{
	switch (inode->mode & S_IFMT) {
	case S_IFREG:
		inode->entry = scan->tar.entry;
		inode->bytes = (uint64_t)archive_entry_size(entry);
		if (inode->bytes > IMAGE_FILE_MAX)
			return image_node_fail(err, folder, name, "larger than 1 TiB");
		return 0;
	case S_IFLNK:
		return target_take(entry, folder, name, inode, err);
	case S_IFCHR:
	case S_IFBLK:
		return device_take(entry, folder, name, inode, err);
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	default:
		return image_node_fail(err, folder, name, "of a kind that is not known");
	}
}

static int inode_take(struct scan *scan, struct archive_entry *entry,
		      const struct image_node *folder, const char *name,
		      struct image_inode **ret, struct verity_error *err)
{
	int64_t mtime = archive_entry_mtime_is_set(entry) ? archive_entry_mtime(entry)
							  : scan->tree->source_date;
	struct image_inode *inode;
	int r;

	inode = image_inode_new(scan->tree, archive_entry_mode(entry) & (S_IFMT | 07777),
				mtime);
	if (!inode)
		return verity_fail_errno(err, ENOMEM, "tree");
	r = details_take(scan, entry, folder, name, inode, err);
	if (r == 0)
		r = owner_take(entry, folder, name, inode, err);
	if (r == 0)
		r = xattrs_take(entry, folder, name, inode, err);
	if (r == 0)
		*ret = inode;
	return r;
}

static int hardlink_find(struct scan *scan, const char *path, const char *target,
			 struct image_inode **ret, struct verity_error *err)
{
	char name[IMAGE_NAME_MAX + 1];
	struct image_node *folder, *node = NULL;
	int r = path_split(scan, target, false, &folder, name, err);

	if (r < 0 && r != -ENOENT)
		return r;
	if (r == 0)
		node = image_node_child(folder, name);
	if (!node)
		return path_fail(err, path,
				 "hard link to what the archive does not have");
	if (S_ISDIR(node->inode->mode))
		return path_fail(err, path, "hard link to a folder");
	*ret = node->inode;
	return 0;
}

/* The root keeps its mode and owner: it is those of the device's / that it would change.
 */
static int root_take(struct scan *scan, struct archive_entry *entry, const char *path,
		     struct verity_error *err)
{
	struct image_inode *inode = scan->tree->root->inode;

	if (archive_entry_filetype(entry) != AE_IFDIR)
		return path_fail(err, path, "the root has to be a folder");
	if (archive_entry_mtime_is_set(entry))
		image_inode_set_mtime(scan->tree, inode, archive_entry_mtime(entry));
	return xattrs_take(entry, scan->tree->root, NULL, inode, err);
}

static int entry_take(struct scan *scan, struct archive_entry *entry,
		      struct verity_error *err)
{
	const char *path = archive_entry_pathname(entry);
	const char *target = archive_entry_hardlink(entry);
	char name[IMAGE_NAME_MAX + 1];
	struct image_inode *inode = NULL;
	struct image_node *folder;
	int r;

	if (!path)
		return image_tar_fail(&scan->tar, NULL, err);
	r = path_split(scan, path, true, &folder, name, err);
	if (r < 0)
		return r;
	if (*name == '\0')
		return root_take(scan, entry, path, err);
	r = target ? hardlink_find(scan, path, target, &inode, err)
		   : inode_take(scan, entry, folder, name, &inode, err);
	return r == 0 ? image_rules_add(scan->tree, folder, name, inode, err) : r;
}

int image_tar_scan(int fd, struct image_tree *tree, struct verity_error *err)
{
	cleanup_with(scan_close_p) struct scan scan = {.tree = tree};
	struct archive_entry *entry;
	int r = image_tar_open(fd, &scan.tar, err);

	while (r == 0) {
		r = image_tar_next(&scan.tar, &entry, err);
		if (r <= 0)
			break;
		r = entry_take(&scan, entry, err);
	}
	return r;
}
