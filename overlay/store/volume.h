/* SPDX-License-Identifier: MIT */
#pragma once

/* DATA and PERSIST: a folder, or a file system to be found and mounted (libmount). */

#include "overlay/store/volume_find.h"

enum overlay_volume_state {
	OVERLAY_VOLUME_FOLDER,    /* a folder */
	OVERLAY_VOLUME_MOUNTED,   /* a file system, mounted already */
	OVERLAY_VOLUME_UNMOUNTED, /* one that is to be mounted */
};

struct overlay_volume_place {
	enum overlay_volume_state state;
	char *device; /* owned; NULL: a folder */
	char *path;   /* owned; where it is, or is to be mounted */
};

/**
 * overlay_volume_look - where a configured volume is; nothing is mounted, nothing made
 * @ret: filled on success only; overlay_volume_place_free()
 *
 * Return: 0; -ENOENT (NOT_FOUND) where no such folder or file system exists; -errno.
 */
int overlay_volume_look(const struct overlay_volume *volume,
			struct overlay_volume_place *ret,
			struct verity_error *err) must_check;

void overlay_volume_place_free(struct overlay_volume_place *place);

/**
 * overlay_volume_open - the folder that a configured volume is at
 * @volume: a file system is used where it is mounted already, else mounted at
 *          .mountpoint (made if missing), read-write or .read_only, nodev, nosuid,
 *          noexec; one that names another device is not mounted, and not used:
 * overlay_superblock_check()
 * @ret:    directory descriptor, the caller's to close; set on success only
 *
 * Return: 0; -ENOENT (NOT_FOUND) where no such folder or file system exists; -errno.
 */
int overlay_volume_open(const struct overlay_volume *volume, int *ret,
			struct verity_error *err) must_check;
