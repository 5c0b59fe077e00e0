/* SPDX-License-Identifier: MIT */
#pragma once

/* Block devices that are or were DATA: recognised, found again, cleared (libblkid). */

#include "factory/data_volume.h"

/* What a device holds. Plain data. */
struct factory_probe {
	struct factory_volume volume;
	bool is_filesystem; /* and not swap, LUKS, LVM, … */
	char table[16];     /* that it is a partition of: "gpt", "dos"; "": of none */
	char partition_type[FACTORY_UUID_MAX + 1];
};

/**
 * factory_volume_probe - find out what a device holds, and where it is
 * @fd:     the device, open for reading; borrowed
 * @device: its path, for messages
 *
 * More than one file system at once is FACTORY_TYPE_UNKNOWN.
 */
int factory_volume_probe(int fd, const char *device, struct factory_probe *ret,
			 struct verity_error *err) must_check;

/**
 * factory_volume_rival - the device remembered as DATA, where another one has its name
 * @spec: LABEL=, UUID= … of the configuration
 * @device: what is found by it now
 *
 * A file system that lost its name is not found by it, but a disk of another device may
 * be found instead. What is remembered is a hint: it can stop a reset, and never says
 * what is reset.
 *
 * Return: its path, free(); NULL where there is none.
 */
char *factory_volume_rival(int record_fd, const char *spec, const char *device);

/**
 * factory_volume_clear - erase the signatures by which a device is recognised as holding
 * data
 * @fd: the device, open for writing; borrowed
 */
int factory_volume_clear(int fd, const char *device, struct verity_error *err) must_check;
