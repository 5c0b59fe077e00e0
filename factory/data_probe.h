/* SPDX-License-Identifier: MIT */
#pragma once

/* Block devices that are or were DATA: recognised, found again, cleared (libblkid). */

#include "factory/data_volume.h"

/**
 * factory_volume_probe - find out what a device holds, and where it is
 * @device: its path
 *
 * More than one file system at once is type "?", for which there is no program.
 */
int factory_volume_probe(const char *device, struct factory_volume *ret,
			 struct verity_error *err) must_check;

/**
 * factory_volume_find - the device that was remembered, where it is as large as it was
 * and holds either that file system or none
 * @ret: its path; free()
 *
 * Return: 0; -ENOENT; -errno.
 */
int factory_volume_find(const struct factory_volume *volume, char **ret,
			struct verity_error *err) must_check;

/**
 * factory_volume_rival - the device remembered as DATA, where another one has its name
 * @spec: LABEL=, UUID= … of the configuration
 * @device: what is found by it now
 *
 * A file system that lost its name is not found by it, but a disk of another device may
 * be found instead.
 *
 * Return: its path, free(); NULL where there is none.
 */
char *factory_volume_rival(int record_fd, const char *spec, const char *device);

/**
 * factory_volume_clear - erase the signatures by which a device is recognised as holding
 * data
 */
int factory_volume_clear(const char *device, struct verity_error *err) must_check;
