/* SPDX-License-Identifier: MIT */
#pragma once

/* openat2(), for trees that may hold anything, links that lead out of them included. */

#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>

/**
 * overlay_open_at - openat2()
 * @path:    "" is the folder itself
 * @flags:   O_*; O_CLOEXEC is added
 * @resolve: RESOLVE_*
 *
 * Needs Linux 5.6.
 *
 * Return: a descriptor; -errno.
 */
int overlay_open_at(int dirfd, const char *path, int flags, uint64_t resolve);

/**
 * overlay_beneath_open - open a folder below another, through no link
 * @path:   slashes in front are ignored; "" is the folder itself
 * @mounts: also where it, or a folder on the way, is mounted on
 *
 * Return: a descriptor for reading; -ENOENT; -ENOTDIR where it, or what is on the way, is
 * not a folder, a link included; -EXDEV on a mount; -errno.
 */
int overlay_beneath_open(int dirfd, const char *path, bool mounts);

/**
 * overlay_beneath_make - the same; folders that are missing are made, for their owner
 * only
 */
int overlay_beneath_make(int dirfd, const char *path);
