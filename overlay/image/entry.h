/* SPDX-License-Identifier: MIT */
#pragma once

/* Entries of a source, as libarchive describes them: from a folder or from a tar. */

#include "overlay/image/file_tree.h"

struct archive_entry;

/**
 * image_entry_inode - make the inode that an entry describes
 * @folder, @name: where it will be, for messages
 * @ret:           set on success only; owned by @tree
 *
 * Return: 0; -EINVAL (BAD_TREE) for what squashfs cannot hold; -ENOMEM.
 */
int image_entry_inode(struct image_tree *tree, const struct image_node *folder,
		      const char *name, struct archive_entry *entry,
		      struct image_inode **ret, struct verity_error *err) must_check;

/**
 * image_entry_root - give the root folder the time and the attributes of its entry
 *
 * Mode and owner stay: a stack shows those of its topmost layer as the device's own /.
 */
int image_entry_root(struct image_tree *tree, struct archive_entry *entry,
		     struct verity_error *err) must_check;
