/* SPDX-License-Identifier: MIT */
/* What a tree may hold: whiteouts, attributes, and the paths of the engine. */
#include "overlay/image/rules.h"
#include "overlay/fs/protect.h"

#include <string.h>
#include <sys/stat.h>

#include "verity/util/text.h"

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define OVERLAY_XATTR   "trusted.overlay."

int image_rules_add(struct image_tree *tree, struct image_node *folder, const char *name,
		    struct image_inode *inode, struct verity_error *err)
{
	const char *hidden = name + strlen(WHITEOUT);
	struct image_inode *whiteout;

	if (strlen(name) > IMAGE_NAME_MAX)
		return image_node_fail(err, folder, name, "name longer than %d bytes",
				       IMAGE_NAME_MAX);
	if (!verity_text_begins(name, WHITEOUT))
		return image_node_set(tree, folder, name, inode, false, err);
	if (!S_ISREG(inode->mode))
		return image_node_fail(err, folder, name,
				       "a whiteout must be a regular file");
	if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
		folder->opaque = true;
		return 0;
	}
	if (strcmp(hidden, "") == 0 || strcmp(hidden, ".") == 0 ||
	    strcmp(hidden, "..") == 0 || verity_text_begins(hidden, WHITEOUT))
		return image_node_fail(err, folder, name, "unknown whiteout");
	whiteout = image_inode_new(tree, S_IFCHR, tree->source_date);
	if (!whiteout)
		return verity_fail(err, VERITY_E_NO_MEMORY, "tree");
	return image_node_set(tree, folder, hidden, whiteout, true, err);
}

int image_rules_xattr(struct image_inode *inode, const struct image_node *folder,
		      const char *name, const char *xattr, const void *value,
		      size_t value_bytes, struct verity_error *err)
{
	bool keep = verity_text_begins(xattr, "user.") ||
		    verity_text_begins(xattr, "trusted.") ||
		    verity_text_begins(xattr, "security.");
	int r;

	if (verity_text_begins(xattr, "system.posix_acl_"))
		return image_node_fail(err, folder, name,
				       "squashfs cannot store its ACL (setfacl -b)");
	if (strcmp(xattr, OVERLAY_XATTR "redirect") == 0 ||
	    strcmp(xattr, OVERLAY_XATTR "metacopy") == 0 ||
	    strcmp(xattr, OVERLAY_XATTR "whiteout") == 0)
		return image_node_fail(err, folder, name,
				       "%s depends on other layers; copy the merged tree",
				       xattr);
	if (verity_text_begins(xattr, OVERLAY_XATTR))
		keep = strcmp(xattr, IMAGE_XATTR_OPAQUE) == 0 && S_ISDIR(inode->mode) &&
		       value_bytes == 1 && *(const char *)value == 'y';
	if (!keep)
		return 0;
	if (strlen(xattr) > IMAGE_NAME_MAX || value_bytes > IMAGE_XATTR_MAX)
		return image_node_fail(err, folder, name, "attribute too long");
	r = image_inode_add_xattr(inode, xattr, value, value_bytes);
	return r < 0 ? verity_fail_errno(err, -r, "tree") : 0;
}

static int node_check(const struct image_node *node, struct verity_error *err)
{
	const struct image_xattr *xattr = node->inode->xattrs;
	char path[IMAGE_PATH_MAX + 1];

	if (image_node_path(node, path) < 0)
		return image_node_fail(err, node, NULL, "path longer than %d bytes",
				       IMAGE_PATH_MAX);
	if (overlay_protected_path(path))
		return image_node_fail(
			err, node, NULL,
			"belongs to the activation engine of the firmware");
	if (!overlay_protected_parent(path))
		return 0;
	if (S_ISLNK(node->inode->mode) &&
	    overlay_protected_alias(path, node->inode->target))
		return 0;
	if (!S_ISDIR(node->inode->mode))
		return image_node_fail(err, node, NULL,
				       "must be a folder, as it is in the firmware");
	while (xattr && strcmp(xattr->name, IMAGE_XATTR_OPAQUE) != 0)
		xattr = xattr->next;
	if (node->opaque || xattr)
		return image_node_fail(err, node, NULL,
				       node->parent
					       ? "opaque: would hide the firmware's own"
					       : "opaque: would hide the whole firmware");
	return 0;
}

int image_rules_check(const struct image_node *node, struct verity_error *err)
{
	int r = node_check(node, err);

	for (size_t i = 0; r == 0 && i < node->child_count; i++)
		r = image_rules_check(node->children[i], err);
	return r;
}
