/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a device may be emptied and formatted as DATA. Pure: facts in, verdict out.
 *
 * Which device that is comes from the configuration and from nothing else. What lies on
 * DATA or PERSIST is no fact. What could not be read counts as if it protected the
 * device.
 */

#include "factory/filesystem.h"
#include "overlay/fs/disks.h"

#define FACTORY_USER_MAX  63 /* bytes */
#define FACTORY_TABLE_MAX 15 /* bytes: "gpt" */

/* What must not be lost, in the order in which it is named. */
enum factory_use {
	FACTORY_USE_KEPT,    /* PERSIST, the root, the folder `run` */
	FACTORY_USE_MOUNTED, /* a mount that is not DATA's own */
	FACTORY_USE_SWAP,
	FACTORY_USE_HOLDER, /* a device of device-mapper or md */
};

/* Something that uses a block device. Plain data. */
struct factory_user {
	enum factory_use use;
	char name[FACTORY_USER_MAX + 1]; /* "the root", "/boot/efi", "dm-0" */
	struct overlay_disks on;
};

/* The facts. Plain data, but for the users. */
struct factory_target {
	struct overlay_disks on; /* the device itself, and what it lies on */
	bool is_partition;
	bool has_partitions;
	char table[FACTORY_TABLE_MAX + 1];         /* that it is a partition of */
	char partition_type[FACTORY_UUID_MAX + 1]; /* a GUID, or a number as "0x83" */
	char filesystem[FACTORY_TYPE_MAX + 1];     /* "": none; "?": more than one */
	bool is_filesystem;                        /* and not swap, LUKS, LVM, … */
	bool is_named; /* by the name of its file system the configuration means it */
	struct factory_user *users; /* owned */
	size_t users_count;
	char unread[FACTORY_USER_MAX + 1]; /* what else could not be read; "" */
};

void factory_target_free(struct factory_target *target);

/**
 * factory_target_check - whether nothing but DATA is lost with the device
 * @what:   "DATA"
 * @device: its path, for the message
 *
 * Return: 0; -EINVAL (CONFIG), with what to configure in the message.
 */
int factory_target_check(const struct factory_target *target, const char *what,
			 const char *device, struct verity_error *err) must_check;
