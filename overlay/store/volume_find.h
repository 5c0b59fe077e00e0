/* SPDX-License-Identifier: MIT */
#pragma once

/* Which block device a volume of the configuration is on. */

#include "overlay/fs/disks.h"
#include "verity/util/error.h"

#define OVERLAY_DEVICE_PATH_MAX 255 /* bytes */

/* DATA or PERSIST, as the configuration has it. Plain data; all borrowed. */
struct overlay_volume {
	/* an absolute folder; a device; or LABEL=, UUID=, PARTLABEL=, PARTUUID= */
	const char *spec;
	const char *mountpoint; /* where a file system is to be mounted */
	const char *root;       /* folder of the firmware's own root */
	bool read_only;         /* where it is to be mounted */
};

/**
 * overlay_volume_find - the device that a volume stands for
 * @volume: its .spec is no folder
 * @ret:    path of the device; set on success only; free()
 *
 * Anybody can give a disk of theirs a name. So where .spec is a name, the device is, in
 * this order, the one
 *	1. that is mounted at .mountpoint,
 *	2. on a disk that the root is on,
 *	3. that is built in,
 *	4. that can be unplugged, for UUID= and PARTUUID= only: they mean one device.
 * Where two are equal in this, none is: the message names both.
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EINVAL (CONFIG); -ENOMEM.
 */
int overlay_volume_find(const struct overlay_volume *volume, char **ret,
			struct verity_error *err) must_check;

/**
 * overlay_volume_is_taken - whether another device than @device has a name, or whether
 * that cannot be found out
 * @name: "LABEL", "UUID"
 */
bool overlay_volume_is_taken(const char *name, const char *value, dev_t device);

/* Where a device with the wanted name is. The highest one wins. */
enum overlay_volume_rank {
	OVERLAY_RANK_PLUGGED,
	OVERLAY_RANK_BUILT_IN,
	OVERLAY_RANK_ROOT,
	OVERLAY_RANK_MOUNTED,
};

/* A device that has the wanted name. Plain data. */
struct overlay_volume_match {
	char path[OVERLAY_DEVICE_PATH_MAX + 1];
	struct overlay_disks on;
	enum overlay_volume_rank rank;
};

/**
 * overlay_volume_choose - the one that a name means, of all that have it; pure
 * @exact: the name is one that devices are meant to share with no other
 *
 * Of a device and another one that lies on it, for example the disks of a mirror, the
 * upper one counts.
 *
 * Return: its index; -ENOENT where there is none that may be it; -EEXIST where there are
 * two, @ret_other set.
 */
int overlay_volume_choose(const struct overlay_volume_match *matches, size_t count,
			  bool exact, size_t *ret_best, size_t *ret_other) must_check;
