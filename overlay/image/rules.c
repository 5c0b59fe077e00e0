/* SPDX-License-Identifier: MIT */
/* What a tree may hold: whiteouts, attributes, and the paths of the engine. */
#include "overlay/image/rules.h"
#include "overlay/fs/protect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "verity/util/text.h"

#define CAPABILITY         "security.capability"
#define CAPABILITY_3_BYTES 24

#define WHITEOUT        ".wh."
#define WHITEOUT_OPAQUE ".wh..wh..opq"

/* At the root of a branch of aufs; see image_rules_prune(). */
static const char *const aufs_own[] = {".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk"};

#define AUFS_OWN_COUNT (sizeof(aufs_own) / sizeof(aufs_own[0]))

bool image_rules_is_whiteout(const char *path)
{
	const char *slash = strrchr(path, '/');

	return verity_text_begins(slash ? slash + 1 : path, WHITEOUT);
}

void image_rules_prune(struct image_tree *tree)
{
	for (size_t i = 0; i < AUFS_OWN_COUNT; i++)
		image_node_remove(tree, tree->root, aufs_own[i]);
}

int image_rules_add(struct image_tree *tree, struct image_node *folder, const char *name,
		    struct image_inode *inode, struct verity_error *err)
{
	const char *hidden = name + strlen(WHITEOUT);
	struct image_inode *whiteout;

	if (strlen(name) > IMAGE_NAME_MAX)
		return image_node_fail(err, folder, name, "name longer than %d bytes",
				       IMAGE_NAME_MAX);
	for (size_t i = 0; !folder->parent && i < AUFS_OWN_COUNT; i++)
		if (strcmp(name, aufs_own[i]) == 0)
			return image_node_set(tree, folder, name, inode, false, err);
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
		return verity_no_memory(err);
	return image_node_set(tree, folder, hidden, whiteout, true, err);
}

/* What overlayfs wrote: for root, for others (userxattr), and its form in user space. */
static const char *overlay_key(const char *xattr)
{
	static const char *const prefixes[] = {"trusted.overlay.", "user.overlay.",
					       "user.fuseoverlayfs."};

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (verity_text_begins(xattr, prefixes[i]))
			return xattr + strlen(prefixes[i]);
	return NULL;
}

static int overlay_xattr(struct image_inode *inode, const struct image_node *folder,
			 const char *name, const char *xattr, const char *key,
			 bool is_opaque, struct verity_error *err)
{
	if (strcmp(key, "redirect") == 0 || strcmp(key, "metacopy") == 0 ||
	    strcmp(key, "whiteout") == 0)
		return image_node_fail(err, folder, name,
				       "%s depends on other layers; copy the merged tree",
				       xattr);
	if (strcmp(key, "opaque") != 0 || !S_ISDIR(inode->mode) || !is_opaque)
		return 0;
	return image_inode_add_xattr(inode, IMAGE_XATTR_OPAQUE, "y", 1) < 0
		       ? verity_fail_errno(err, ENOMEM, "tree")
		       : 0;
}

static void note_left_out(struct overlay_image_notes *notes, const char *xattr)
{
	char *at = notes->attribute_names, shown[IMAGE_PATH_SHOWN];
	size_t size = strlen(image_path_show(xattr, shown)), room;

	notes->attributes++;
	while (*at) {
		size_t length = strcspn(at, ",");

		if (length == size && memcmp(at, shown, size) == 0)
			return;
		at += length + strspn(at + length, ", ");
	}
	room = sizeof(notes->attribute_names) - (size_t)(at - notes->attribute_names);
	if (size + strlen(", ") < room)
		snprintf(at, room, "%s%s", at > notes->attribute_names ? ", " : "",
			 shown);
}

/*
 * Revision 3 (capabilities(7)) counts only where the user with the number in it is root:
 * a user of the build host, for whom setcap was run as in a container.
 */
static bool is_of_namespace(const char *xattr, const void *value, size_t value_bytes)
{
	return strcmp(xattr, CAPABILITY) == 0 && value_bytes == CAPABILITY_3_BYTES &&
	       ((const uint8_t *)value)[3] == 3;
}

int image_rules_xattr(struct image_tree *tree, struct image_inode *inode,
		      const struct image_node *folder, const char *name,
		      const char *xattr, const void *value, size_t value_bytes,
		      struct verity_error *err)
{
	bool storable = verity_text_begins(xattr, "user.") ||
			verity_text_begins(xattr, "trusted.") ||
			verity_text_begins(xattr, "security.");
	const char *key = overlay_key(xattr);
	int r;

	if (tree->is_base)
		return 0;
	if (verity_text_begins(xattr, "system.posix_acl_"))
		return image_node_fail(err, folder, name,
				       "squashfs cannot store its ACL (setfacl -b)");
	if (key)
		return overlay_xattr(inode, folder, name, xattr, key,
				     value_bytes == 1 && *(const char *)value == 'y',
				     err);
	if ((strcmp(xattr, CAPABILITY) != 0 ||
	     is_of_namespace(xattr, value, value_bytes)) &&
	    (!storable || !tree->all_attributes)) {
		note_left_out(&tree->notes, strcmp(xattr, CAPABILITY) == 0 ? CAPABILITY
						    " of a user namespace"
									   : xattr);
		return 0;
	}
	if (strlen(xattr) > IMAGE_NAME_MAX || value_bytes > IMAGE_XATTR_MAX)
		return image_node_fail(err, folder, name, "attribute too long");
	r = image_inode_add_xattr(inode, xattr, value, value_bytes);
	return r < 0 ? verity_fail_errno(err, -r, "tree") : 0;
}

int image_rules_check_kind(const struct image_tree *tree, struct verity_error *err)
{
	const struct image_node *root = tree->root;
	bool is_oci = image_node_child(root, "oci-layout") &&
		      image_node_child(root, "index.json");
	bool is_docker = false;

	for (size_t i = 0; i < root->child_count; i++)
		is_docker |= image_node_child(root->children[i], "layer.tar") &&
			     image_node_child(root, "manifest.json");
	return is_oci || is_docker
		       ? verity_fail(
				 err, VERITY_E_BAD_TREE,
				 "the image of a container, which is no tree, but has "
				 "layers that are (give one of them, or what 'podman "
				 "export' writes)")
		       : 0;
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
