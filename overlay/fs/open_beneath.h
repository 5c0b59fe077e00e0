/* SPDX-License-Identifier: MIT */
#pragma once

/* Folders of a tree that may hold anything: no link is followed on the way to them. */

#include <stdbool.h>

/**
 * overlay_beneath_open - open a folder below another
 * @path: slashes in front are passed over; "" is the folder itself
 * @mounts: also where it, or a folder on the way, is mounted on
 *
 * Needs Linux 5.6.
 *
 * Return: a descriptor for reading; -ENOENT; -ENOTDIR where it, or what is on the way, is
 * no folder, a link included; -EXDEV on a mount; -errno.
 */
int overlay_beneath_open(int fd, const char *path, bool mounts);

/**
 * overlay_beneath_make - the same, with folders that are missing made for their owner
 * alone
 */
int overlay_beneath_make(int fd, const char *path);
