/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What is on a block device: libblkid is asked, in a process without rights, only about
 * the open device.
 */

#include "installer/media/scan.h"

/* A way to mount a file system. */
struct media_driver {
	const char *type;   /* of the file system, as libblkid calls it */
	const char *name;   /* of the driver in the kernel */
	const char *option; /* of the configuration of the kernel */
	const char *flag;   /* NULL: none */
	const char *errors; /* NULL: none */
};

/* In the order in which they are tried; ends with a NULL type. */
extern const struct media_driver media_drivers[];

/**
 * media_node_open - open a block device for reading
 * @dev: folder of the device nodes, "/dev"
 * @ret: set on success only; to be closed
 *
 * The node must be a block device with the number that the kernel says.
 *
 * Return: 0; -EACCES (PERMISSION); -ENODEV if it is not there, or is another one; -errno.
 */
int media_node_open(const char *dev, const struct media_item *item, int *ret,
		    struct verity_error *err) must_check;

/* What the process says. Plain data, of a stranger. */
struct media_found {
	int failure;  /* errno */
	int reserved; /* 0 or 1 */
	char type[sizeof(((struct media_item *)NULL)->type)];
	char volume[MEDIA_TEXT_MAX];
	char uuid[MEDIA_TEXT_MAX];
};

/**
 * media_probe_take - take what was found over into @item
 *
 * Return: 0; -errno that it says; -EBADMSG if it is malformed.
 */
int media_probe_take(const struct media_found *found, struct media_item *item) must_check;

/**
 * media_probe - fill the last part of @item; failures are part of it
 * @uid: of the process that reads it, if this one is of root
 *
 * If it could be one of two file systems, it is MEDIA_UNKNOWN. The type of a partition is
 * that in the table of its disk; where that cannot be read, it is one for files.
 */
void media_probe(const char *dev, uid_t uid, gid_t gid, struct media_item *item);
