/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a tree may hold and what its special entries mean: whiteouts, attributes, and the
 * paths that belong to the engine.
 *
 * Whiteout files are those of the OCI image format (opencontainers/image-spec, layer.md),
 * which are those of aufs: `.wh.NAME` hides NAME of the layers below, whether or not the
 * source has a NAME of its own; `.wh..wh..opq` all that they have in its folder. What
 * they become is overlayfs's (Linux Documentation/filesystems/overlayfs.rst).
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
 * image_rules_is_whiteout - whether the last name of @path is that of a whiteout file, or
 * of one of aufs's own
 */
bool image_rules_is_whiteout(const char *path);

/**
 * image_rules_prune - remove what aufs keeps for itself at the root
 *
 * `.wh..wh.aufs`, which all its whiteouts are hard links of, `.wh..wh.orph` (deleted
 * files that are open), and `.wh..wh.plnk` (second names of files that lie in several
 * layers). Until all is read they stay in the tree, as the target of hard links.
 */
void image_rules_prune(struct image_tree *tree);

/**
 * image_rules_xattr - give @inode an attribute if it belongs in an image
 * @folder, @name: where the inode will be, for messages; @name may be NULL
 *
 * POSIX ACLs are refused: squashfs cannot store them, and a file without its ACL has
 * other permissions than its owner thinks. Of overlayfs's own, `opaque` is kept, what
 * points at other layers (redirect, metacopy, whiteout) is refused, and the rest is
 * bookkeeping of an upper layer and left out. Capabilities are kept, but not those of a
 * user namespace, which no device gives a program. All others describe
 * the build host (labels of SELinux, hashes of IMA, where a browser got a file): they are
 * left out and counted, but user.*, trusted.* and security.* are kept where the tree says
 * @all_attributes.
 */
int image_rules_xattr(struct image_tree *tree, struct image_inode *inode,
		      const struct image_node *folder, const char *name,
		      const char *xattr, const void *value, size_t value_bytes,
		      struct verity_error *err) must_check;

/**
 * image_rules_check_kind - refuse what has trees in it and is none: the image of a
 * container, as 'docker save' and 'podman save' write it
 * @tree: sealed
 *
 * Return: 0; -EINVAL (BAD_TREE).
 */
int image_rules_check_kind(const struct image_tree *tree,
			   struct verity_error *err) must_check;

/**
 * image_rules_check - whether a package may hold what a sealed tree has at and below
 * @node
 */
int image_rules_check(const struct image_node *node, struct verity_error *err) must_check;
