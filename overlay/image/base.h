/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The tree is compared with what it will lie over: the firmware, or without one the
 * standard folders (overlay/fs/standard_folders.h).
 */

#include <stdio.h>

#include "overlay/image/file_tree.h"
#include "overlay/libraries/closure.h"

/**
 * image_base_apply - give the folders of a sealed tree the look that they have below it
 * @base:       the firmware's root; NULL: not known
 * @libraries:  what its protected programs need, as far as that is known: a package's own
 *              have no effect, and are counted
 * @keep_looks: change nothing, only count
 * @force:      accept folders in place of links or files, and anything in place of
 * folders
 *
 * A package's folder is merged with the one below, and the merged one looks as it does in
 * the package: a tree that was made under umask 077 would close /var to all services.
 * Counted in the tree's notes.
 *
 * Return: 0; -EINVAL (BAD_TREE) for something of another type than in the base, which
 * would hide all that is below it.
 */
int image_base_apply(struct image_tree *tree, const struct image_node *base,
		     const struct overlay_closure *libraries, bool keep_looks, bool force,
		     struct verity_error *err) must_check;

/**
 * image_base_print - write a sealed tree as a list, as mtree(5) has it
 *
 * Names, types, permissions, owners and targets of links; no data.
 *
 * Return: 0; -ENAMETOOLONG.
 */
int image_base_print(const struct image_node *root, FILE *out) must_check;

/**
 * image_base_is_list - whether a file is what image_base_print() wrote
 * @fd:  regular file; borrowed
 * @ret: false: it is something else, such as a tar archive
 *
 * To libarchive every text is a list, and what is missing in it is a mode of 0.
 *
 * Return: 0; -EINVAL (BAD_TREE) for a part of a list; -errno.
 */
int image_base_is_list(int fd, bool *ret, struct verity_error *err) must_check;
