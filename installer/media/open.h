/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Packages on media that a technician brings: USB sticks, SD cards. A label of the boot
 * configuration (wmopkg.media), or `external`, selects a file system on one. It is
 * mounted read-only, nodev, nosuid and noexec, where only this process sees it, and only
 * while it is read; no udev is needed.
 */

#include "installer/device/device.h"
#include "installer/fetch/source.h"

/**
 * media_source_open - open a file on a medium
 * @label: of the boot configuration, or "external"
 * @path:  from the root of the medium; a leading '/' is ignored; ".." and links are
 * refused
 * @any_name: see struct source_request
 * @ret:   set on success only; source_free() also unmounts the medium
 *
 * If several devices match, SD comes before USB, and the first partition with a file
 * system (vfat, exfat, ext2, ext3, ext4) is used.
 *
 * Return: 0; -ENOENT (NOT_FOUND): no such label, no such medium connected, or no such
 * file on it; -EINVAL (BAD_NAME, NOT_A_FILE); -EXDEV if the path contains a link; -errno.
 */
int media_source_open(struct device *device, const char *label, const char *path,
		      bool any_name, struct source **ret,
		      struct verity_error *err) must_check;
