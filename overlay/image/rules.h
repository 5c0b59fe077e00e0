/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a tree may hold and what its special entries mean: whiteouts, attributes, and the
 * paths that belong to the engine.
 *
 * Whiteout files are those of the OCI image format (opencontainers/image-spec, layer.md):
 * `.wh.NAME` hides NAME of the layers below, `.wh..wh..opq` all that they have in its
 * folder. What they become is overlayfs's (Linux
 * Documentation/filesystems/overlayfs.rst).
 */

#include "overlay/image/file_tree.h"

/**
 * image_rules_add - put @inode into @folder as @name, or do what a whiteout's name says
 *
 * Return: 0; -EINVAL (BAD_TREE) for an invalid name; -ENOMEM.
 */
int image_rules_add(struct image_tree *tree, struct image_node *folder, const char *name,
		    struct image_inode *inode, struct verity_error *err) must_check;

/**
 * image_rules_xattr - give @inode an attribute if it belongs in an image
 * @folder, @name: where the inode will be, for messages; @name may be NULL
 *
 * user.*, trusted.* and security.* are kept. POSIX ACLs are refused: squashfs cannot
 * store them, and a file without its ACL has other permissions than its owner thinks.
 * Of trusted.overlay.*, `opaque` is kept, what points at other layers (redirect,
 * metacopy, whiteout) is refused, the rest is bookkeeping of an upper layer and left out.
 * So are all other attributes: they belong to the file system that the tree lies on.
 */
int image_rules_xattr(struct image_inode *inode, const struct image_node *folder,
		      const char *name, const char *xattr, const void *value,
		      size_t value_bytes, struct verity_error *err) must_check;

/**
 * image_rules_check - whether a package may hold what a sealed tree has at and below
 * @node
 */
int image_rules_check(const struct image_node *node, struct verity_error *err) must_check;
