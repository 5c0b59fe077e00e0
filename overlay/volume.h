/* SPDX-License-Identifier: MIT */
#pragma once

/* DATA and PERSIST: a folder, or a file system to be found and mounted (libmount). */

#include "verity/error.h"

/**
 * overlay_volume_open - the folder that a configured volume is at
 * @spec:  an absolute folder; or LABEL=, UUID=, PARTLABEL=, PARTUUID= or a device: used
 *         where it is mounted already, else mounted at @mountpoint (made if missing),
 *         read-write, nodev, nosuid, noexec
 * @ret:   directory descriptor, the caller's to close; set on success alone
 *
 * Return: 0; -ENOENT (NOT_FOUND) where no such folder or file system exists; -errno.
 */
int overlay_volume_open(const char *spec, const char *mountpoint, int *ret,
			struct verity_error *err) must_check;
