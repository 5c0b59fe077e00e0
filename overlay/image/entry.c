/* SPDX-License-Identifier: MIT */
/* Turns an entry of libarchive into an inode of the tree. */
#include "overlay/image/entry.h"
#include "overlay/image/rules.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int xattrs_copy(struct image_tree *tree, struct archive_entry *entry,
		       const struct image_node *folder, const char *name,
		       struct image_inode *inode, struct verity_error *err)
{
	const char *xattr, *before = "";
	const void *value;
	size_t bytes;
	int r = 0;

	if (archive_entry_acl_count(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS |
						   ARCHIVE_ENTRY_ACL_TYPE_DEFAULT) > 0)
		return image_rules_xattr(tree, inode, folder, name,
					 "system.posix_acl_access", NULL, 0, err);
	archive_entry_xattr_reset(entry);
	while (r == 0 &&
	       archive_entry_xattr_next(entry, &xattr, &value, &bytes) == ARCHIVE_OK) {
		/* libarchive writes each in two forms, and reads both */
		if (strcmp(xattr, before) != 0)
			r = image_rules_xattr(tree, inode, folder, name, xattr, value,
					      bytes, err);
		before = xattr;
	}
	return r;
}

int image_entry_inode(struct image_tree *tree, const struct image_node *folder,
		      const char *name, struct archive_entry *entry,
		      struct image_inode **ret, struct verity_error *err)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);
	const char *target = archive_entry_symlink(entry);
	mode_t mode = archive_entry_mode(entry) & (S_IFMT | 07777);
	uint64_t major, minor;
	struct image_inode *inode = image_inode_new(tree, mode,
						    archive_entry_mtime_is_set(entry)
							    ? archive_entry_mtime(entry)
							    : tree->source_date);
	int r;

	if (!inode)
		return verity_fail_errno(err, ENOMEM, "tree");
	if (uid < 0 || uid >= UINT32_MAX || gid < 0 || gid >= UINT32_MAX)
		return image_node_fail(err, folder, name, "owner number too large");
	inode->uid = (uint32_t)uid;
	inode->gid = (uint32_t)gid;
	switch (mode & S_IFMT) {
	case S_IFREG:
		inode->bytes = (uint64_t)archive_entry_size(entry);
		if (inode->bytes > IMAGE_FILE_MAX)
			return image_node_fail(err, folder, name, "larger than 1 TiB");
		break;
	case S_IFLNK:
		if (!target || !*target || strlen(target) > IMAGE_PATH_MAX)
			return image_node_fail(err, folder, name, "invalid link target");
		inode->target = strdup(target);
		if (!inode->target)
			return verity_fail_errno(err, ENOMEM, "tree");
		break;
	case S_IFCHR:
	case S_IFBLK:
		major = (uint64_t)archive_entry_rdevmajor(entry);
		minor = (uint64_t)archive_entry_rdevminor(entry);
		if (major > 0xfff || minor > 0xfffff)
			return image_node_fail(err, folder, name,
					       "device number too large");
		/* The kernel's new_encode_dev(). */
		inode->device = (uint32_t)((minor & 0xff) | major << 8 |
					   (minor & ~(uint64_t)0xff) << 12);
		break;
	case S_IFDIR:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	default:
		return image_node_fail(err, folder, name, "unknown file type");
	}
	r = xattrs_copy(tree, entry, folder, name, inode, err);
	if (r == 0)
		*ret = inode;
	return r;
}

int image_entry_root(struct image_tree *tree, struct archive_entry *entry,
		     struct verity_error *err)
{
	if (archive_entry_mtime_is_set(entry))
		image_inode_set_mtime(tree, tree->root->inode,
				      archive_entry_mtime(entry));
	return xattrs_copy(tree, entry, tree->root, NULL, tree->root->inode, err);
}
