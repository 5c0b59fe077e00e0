/* SPDX-License-Identifier: MIT */
#pragma once

/* Removes what protects a file or folder from being deleted. */

#include <stdbool.h>

/**
 * factory_unprotect - clear the immutable and append-only flags of an open file or
 * folder, and the read-only property of a subvolume
 */
void factory_unprotect(int fd);

/**
 * factory_unprotect_at - the same by name; only files and folders are opened
 */
void factory_unprotect_at(int dir_fd, const char *name);

/**
 * factory_unmount_at - unmount all that is mounted on @name
 *
 * Return: whether anything was.
 */
bool factory_unmount_at(int dir_fd, const char *name);

/**
 * factory_delete_subvolume - delete @name if it is a btrfs subvolume
 *
 * Return: whether it is gone.
 */
bool factory_delete_subvolume(int dir_fd, const char *name);
