/* SPDX-License-Identifier: MIT */
#pragma once

/* What keeps a file or folder from being deleted, and how it is taken away. */

#include <stdbool.h>

/**
 * factory_unprotect - make an open file or folder one that can be changed and deleted: no
 * longer immutable or append-only, and if it is a subvolume, not read-only
 */
void factory_unprotect(int fd);

/**
 * factory_unprotect_at - likewise, by its name; devices and the like are not opened
 */
void factory_unprotect_at(int dir_fd, const char *name);

/**
 * factory_unmount_at - unmount all that is mounted on @name
 *
 * Return: whether anything was.
 */
bool factory_unmount_at(int dir_fd, const char *name);

/**
 * factory_delete_subvolume - delete @name as the btrfs subvolume that it may be
 *
 * Return: whether it is gone.
 */
bool factory_delete_subvolume(int dir_fd, const char *name);
