/* SPDX-License-Identifier: MIT */
#pragma once

/* Which block devices the device itself runs from, and which are mounted at all. */

#include "overlay/config/config.h"

#include <sys/types.h>

#define MEDIA_SYSTEM_MAX 512 /* mounts that are looked at */

struct media_system {
	dev_t runs[MEDIA_SYSTEM_MAX]; /* root, DATA and PERSIST, packages */
	size_t runs_count;
	dev_t mounted[MEDIA_SYSTEM_MAX]; /* these and all others */
	size_t mounted_count;
};

/**
 * media_system_read - read what is mounted
 * @mountinfo: "/proc/self/mountinfo"
 *
 * The device runs from what is mounted at "/" or below `run` of the configuration, and
 * from the file systems of `data` and `persist`, if these are folders or devices. If they
 * are tags, the tags of what is mounted have to be compared.
 *
 * Return: 0; -errno.
 */
int media_system_read(const char *mountinfo, const struct overlay_config *config,
		      struct media_system *ret, struct verity_error *err) must_check;

/**
 * media_system_mounted - whether something of the device @number is mounted
 */
bool media_system_mounted(const struct media_system *system, dev_t number);
