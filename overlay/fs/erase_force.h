/* SPDX-License-Identifier: MIT */
#pragma once

/* Removes what protects a file or folder from being deleted. */

#include <stdbool.h>

/**
 * overlay_unprotect - clear the immutable and append-only flags of an open file or
 * folder, and the read-only property of a subvolume
 */
void overlay_unprotect(int fd);

/**
 * overlay_unprotect_at - the same by name; only files and folders are opened
 */
void overlay_unprotect_at(int dir_fd, const char *name);

/**
 * overlay_unmount_at - unmount all that is mounted on @name
 *
 * Return: whether anything was.
 */
bool overlay_unmount_at(int dir_fd, const char *name);

/**
 * overlay_delete_subvolume - delete @name if it is a btrfs subvolume
 *
 * Return: whether it is gone.
 */
bool overlay_delete_subvolume(int dir_fd, const char *name);
