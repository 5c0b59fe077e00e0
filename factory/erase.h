/* SPDX-License-Identifier: MIT */
#pragma once

/* Deleting a file, or a folder with all that is in it. */

#include "verity/error.h"

#define FACTORY_ERASE_DEPTH_MAX 64 /* of folders */

/**
 * factory_erase_tree - delete what is called @name, if anything is
 * @dir_fd: the folder it lies in, or AT_FDCWD
 * @name:   one name; links are deleted, never followed
 *
 * Nothing is synced. What is mounted in there stays, and is a failure.
 *
 * Return: 0; -EBUSY or -EXDEV for a mount; -ELOOP for folders too deep; -errno.
 */
int factory_erase_tree(int dir_fd, const char *name) must_check;
