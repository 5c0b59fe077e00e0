/* SPDX-License-Identifier: MIT */
#include "overlay/image/rules.h"
#include "overlay/fs/protect.h"

#include <string.h>
#include <sys/stat.h>

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"
#define OVERLAY_XATTR   "trusted.overlay."

static bool starts_with(const char *text, const char *start)
{
	return strncmp(text, start, strlen(start)) == 0;
}

static int add_whiteout(struct image_tree *tree, struct image_node *folder,
			const char *name, const struct image_inode *inode,
			struct verity_error *err)
{
	const char *hidden = name + strlen(WHITEOUT);
	struct image_inode *whiteout;

	if (!S_ISREG(inode->mode))
		return image_node_fail(err, folder, name,
				       "a whiteout has to be a regular file");
	if (strcmp(name, WHITEOUT_OPAQUE) == 0) {
		folder->opaque = true;
		return 0;
	}
	if (strcmp(hidden, "") == 0 || strcmp(hidden, ".") == 0 ||
	    strcmp(hidden, "..") == 0 || starts_with(hidden, WHITEOUT))
		return image_node_fail(err, folder, name, "not a whiteout that is known");
	whiteout = image_inode_whiteout(tree);
	if (!whiteout)
		return verity_fail(err, VERITY_E_NO_MEMORY, "tree");
	return image_node_set(tree, folder, hidden, whiteout, true, err);
}

int image_rules_add(struct image_tree *tree, struct image_node *folder, const char *name,
		    struct image_inode *inode, struct verity_error *err)
{
	if (strlen(name) > IMAGE_NAME_MAX)
		return image_node_fail(err, folder, name, "name longer than %d bytes",
				       IMAGE_NAME_MAX);
	if (starts_with(name, WHITEOUT))
		return add_whiteout(tree, folder, name, inode, err);
	return image_node_set(tree, folder, name, inode, false, err);
}

static bool is_yes(const void *value, size_t bytes)
{
	return bytes == 1 && *(const char *)value == 'y';
}

/* What the attributes of overlayfs itself mean in a layer. */
static int overlay_xattr(const struct image_inode *inode, const struct image_node *folder,
			 const char *name, const char *xattr, const void *value,
			 size_t bytes, bool *ret_keep, struct verity_error *err)
{
	const char *kind = xattr + strlen(OVERLAY_XATTR);

	if (strcmp(kind, "redirect") == 0 || strcmp(kind, "metacopy") == 0 ||
	    strcmp(kind, "whiteout") == 0)
		return image_node_fail(err, folder, name,
				       "%s depends on other layers; copy the merged tree",
				       xattr);
	*ret_keep = strcmp(kind, "opaque") == 0 && S_ISDIR(inode->mode) &&
		    is_yes(value, bytes);
	return 0;
}

int image_rules_xattr(struct image_inode *inode, const struct image_node *folder,
		      const char *name, const char *xattr, const void *value,
		      size_t value_bytes, struct verity_error *err)
{
	bool keep = starts_with(xattr, "user.") || starts_with(xattr, "trusted.") ||
		    starts_with(xattr, "security.");
	int r;

	if (starts_with(xattr, "system.posix_acl_"))
		return image_node_fail(err, folder, name,
				       "squashfs cannot store its ACL (setfacl -b)");
	if (starts_with(xattr, OVERLAY_XATTR)) {
		r = overlay_xattr(inode, folder, name, xattr, value, value_bytes, &keep,
				  err);
		if (r < 0)
			return r;
	}
	if (!keep)
		return 0;
	if (strlen(xattr) > IMAGE_NAME_MAX || value_bytes > IMAGE_XATTR_MAX)
		return image_node_fail(err, folder, name, "attribute too long");
	r = image_inode_add_xattr(inode, xattr, value, value_bytes);
	if (r < 0)
		return verity_fail_errno(err, -r, "tree");
	return 0;
}

static int check_node(const struct image_node *node, struct verity_error *err)
{
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
	if (!S_ISDIR(node->inode->mode))
		return image_node_fail(err, node, NULL,
				       "has to be a folder, as it is in the firmware");
	if (image_node_opaque(node))
		return image_node_fail(err, node, NULL,
				       node->parent
					       ? "opaque: would hide the firmware's own"
					       : "opaque: would hide the whole firmware");
	return 0;
}

static int check_below(const struct image_node *node, struct verity_error *err)
{
	int r = check_node(node, err);

	for (size_t i = 0; r == 0 && i < node->child_count; i++)
		r = check_below(node->children[i], err);
	return r;
}

int image_rules_check(const struct image_tree *tree, struct verity_error *err)
{
	return check_below(tree->root, err);
}
