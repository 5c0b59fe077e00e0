/* SPDX-License-Identifier: MIT */
#pragma once

/* Which block device a volume of the configuration is on. */

#include "verity/util/error.h"

/**
 * overlay_volume_find - the device that @spec stands for
 * @spec:       a device, or LABEL=, UUID=, PARTLABEL=, PARTUUID=
 * @mountpoint: where it would be mounted
 * @ret:        path of the device; set on success only; free()
 *
 * Where more than one has that tag, it is the one that is mounted at @mountpoint, else
 * one that is built in, else any: a stick that calls itself like a volume of the device
 * does not become one.
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EINVAL (CONFIG); -ENOMEM.
 */
int overlay_volume_find(const char *spec, const char *mountpoint, char **ret,
			struct verity_error *err) must_check;

/**
 * overlay_volume_plugged - whether a block device can be pulled out: USB, or an SD card
 * @sysfs: "/sys"
 */
bool overlay_volume_plugged(const char *sysfs, unsigned major, unsigned minor);
