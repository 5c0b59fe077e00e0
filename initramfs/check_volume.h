/* SPDX-License-Identifier: MIT */
#pragma once

/* Checks the file system of a volume before it is mounted, as far as time allows. */

#include "factory/filesystem.h"
#include "initramfs/boot_context.h"
#include "overlay/record/unchecked.h"
#include "overlay/store/store.h"

/* What e2fsck prints; a boot begins with an empty folder. */
#define CHECK_VOLUME_LOG "/run/wmopkg-fsck.log"

/* A volume before it is mounted. Plain data. */
struct check_found {
	char device[OVERLAY_DEVICE_PATH_MAX + 1]; /* "": there is nothing to check */
	struct factory_filesystem filesystem;
	uint8_t id[OVERLAY_UNCHECKED_BYTES];
};

/**
 * check_volume_look - what there is to check
 *
 * Reads devices: it may never come back, so it is called on a thread of its own.
 */
void check_volume_look(const struct overlay_volume *volume, struct check_found *ret);

/**
 * check_volume - run e2fsck on a volume that is not mounted yet
 * @found:  of check_volume_look()
 * @volume: .read_only is set where it is not known to be sound
 *
 * Whoever wrote the file system decides how long that takes. So e2fsck is ended after a
 * sixth of `boot_seconds`. If that is DATA, the next boot does not check it, and mounts
 * it read-only: see overlay/record/unchecked.h. What is missing, or is no ext2,
 * ext3 or ext4, is left to who mounts it.
 *
 * Return: 0; -ETIMEDOUT (TIMED_OUT) where the volume must not be used in this boot.
 */
int check_volume(struct boot *boot, enum overlay_store_kind kind,
		 const struct check_found *found, struct overlay_volume *volume,
		 struct verity_error *err) must_check;
