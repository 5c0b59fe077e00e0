/* SPDX-License-Identifier: MIT */
#pragma once

/* Checks the file system of a volume before it is mounted, as far as time allows. */

#include "initramfs/boot_context.h"
#include "overlay/store/store.h"

/* What e2fsck prints; a boot begins with an empty folder. */
#define CHECK_VOLUME_LOG "/run/wmopkg-fsck.log"

/**
 * check_volume - run e2fsck on a volume that is not mounted yet
 * @volume: .read_only is set where it is not known to be sound
 *
 * Whoever wrote the file system decides how long that takes. So e2fsck is ended after a
 * sixth of `boot_seconds`. If that is DATA, it is not checked again in later boots, and
 * mounted read-only: see overlay/record/unchecked.h. What is missing, or is no ext2,
 * ext3 or ext4, is left to who mounts it.
 *
 * Return: 0; -ETIMEDOUT (TIMED_OUT) where the volume must not be used in this boot.
 */
int check_volume(struct boot *boot, enum overlay_store_kind kind,
		 struct overlay_volume *volume, struct verity_error *err) must_check;
