/* SPDX-License-Identifier: MIT */
#pragma once

/* A file system of a medium, mounted where only this process sees it. */

#include "installer/media/scan.h"

/**
 * media_mount - mount a file system for reading
 * @item: one that media_probe() found to be MEDIA_KNOWN
 * @ret:  its root folder; set on success only; to be closed. It is unmounted when the
 * files that were opened in it are closed as well
 *
 * Read-only, nodev, nosuid and noexec, and in no folder: it disappears with its
 * descriptors, however the process ends. A journal is not replayed, so nothing is
 * written. What is mounted already is used as it is.
 *
 * Return: 0; -EACCES (PERMISSION); -EOPNOTSUPP (KERNEL_FEATURE); -EIO (MOUNT) if it is
 * damaged; -EBUSY; -errno.
 */
int media_mount(const struct media_item *item, int *ret,
		struct verity_error *err) must_check;
