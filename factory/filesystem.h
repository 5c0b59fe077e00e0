/* SPDX-License-Identifier: MIT */
#pragma once

/* Which programs repair and make a file system, and with which words. Pure. */

#include "factory/program.h"

#define FACTORY_TYPE_MAX  31  /* bytes: "ext4" */
#define FACTORY_LABEL_MAX 255 /* bytes */
#define FACTORY_UUID_MAX  63  /* bytes */

/* .type where there is more than one file system, or a partition table. */
#define FACTORY_TYPE_UNKNOWN "?"

/* A file system as libblkid describes it. Plain data; "": not known, or none. */
struct factory_filesystem {
	char type[FACTORY_TYPE_MAX + 1];
	char label[FACTORY_LABEL_MAX + 1];
	char uuid[FACTORY_UUID_MAX + 1];
};

/**
 * factory_filesystem_repair - the program that repairs it
 * @device: path of the block device; borrowed like @filesystem
 */
struct factory_program factory_filesystem_repair(
	const struct factory_filesystem *filesystem, const char *device);

/**
 * factory_filesystem_check - the program that repairs only what can safely be repaired,
 * and does nothing where the file system is clean
 */
struct factory_program factory_filesystem_check(
	const struct factory_filesystem *filesystem, const char *device);

/**
 * factory_filesystem_make - the program that makes a new one of the same type, label,
 * UUID
 * @discard: whether to tell the device that all of its blocks are free
 */
struct factory_program factory_filesystem_make(
	const struct factory_filesystem *filesystem, const char *device, bool discard);

/**
 * factory_filesystem_kept - the folder that a new one has and that must stay; NULL: none
 */
const char *factory_filesystem_kept(const struct factory_filesystem *filesystem);
