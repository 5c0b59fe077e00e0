/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Media that a technician brings along: USB sticks, SD cards. A label of the boot
 * configuration (wmopkg.media), or `external`, stands for a file system on one. It is
 * mounted read-only, nodev, nosuid and noexec, where nobody sees it, and only while
 * something of it is read; no udev is needed.
 */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * media_source_open - open a file on a medium
 * @label: of the boot configuration, or "external"
 * @path:  from the root of the medium; a leading '/' changes nothing; ".." and links that
 *         lead out of it are refused
 * @ret:   set on success alone; source_free() also lets go of the medium
 *
 * Where several devices fit, SD comes before USB, and the first partition that has a file
 * system (vfat, exfat, ext2, ext3, ext4) is it.
 *
 * Return: 0; -ENOENT (NOT_FOUND): no such label, no such medium connected, or no such
 * file on it, each said; -EINVAL (BAD_NAME, NOT_A_FILE); -EXDEV where the path leads out;
 * -errno.
 */
int media_source_open(struct device *device, const char *label, const char *path,
		      struct source **ret, struct verity_error *err) must_check;
