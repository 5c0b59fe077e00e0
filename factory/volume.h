/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * DATA as a block device: what its file system is called, and where the device is. Kept
 * on PERSIST (data.json), so that a reset finds it and can make it anew when nothing of
 * its file system can be read any more, or a power cut came while it was made.
 */

#include "factory/filesystem.h"

#define FACTORY_VOLUME            "data.json"
#define FACTORY_VOLUME_BYTES_MAX  4096
#define FACTORY_VOLUME_PLACE_MAX  511                 /* bytes */
#define FACTORY_VOLUME_DEVICE_MAX (UINT64_C(1) << 60) /* bytes */

/* Plain data. */
struct factory_volume {
	struct factory_filesystem filesystem; /* .type "": nothing that is known */
	/* "PARTUUID=…", or the device's folder below /sys/devices */
	char place[FACTORY_VOLUME_PLACE_MAX + 1];
	uint64_t bytes; /* of the device */
};

/**
 * factory_volume_decode - read JSON text
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int factory_volume_decode(const void *bytes, size_t size, struct factory_volume *ret,
			  struct verity_error *err) must_check;

/**
 * factory_volume_encode - write JSON text
 * @ret: 0-terminated, set on success alone; free()
 */
int factory_volume_encode(const struct factory_volume *volume, char **ret,
			  struct verity_error *err) must_check;

/**
 * factory_volume_probe - what a device holds, and where it is
 * @device: its path
 *
 * More than one file system at once is type "?", which nothing is done about.
 */
int factory_volume_probe(const char *device, struct factory_volume *ret,
			 struct verity_error *err) must_check;

/**
 * factory_volume_remember - write it to PERSIST, unless it is there as it is
 * @record_fd: PERSIST/wmopkg
 */
int factory_volume_remember(int record_fd, const struct factory_volume *volume,
			    struct verity_error *err) must_check;

/**
 * factory_volume_recall - what was remembered
 *
 * Return: 0; -ENOENT; -EBADMSG; -errno.
 */
int factory_volume_recall(int record_fd, struct factory_volume *ret,
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
 * factory_volume_rival - what was remembered as DATA, where another device has its name
 * @spec: LABEL=, UUID= … of the configuration
 * @device: what is found by it now
 *
 * A file system that lost its name is not found by it, and another one may be that is
 * none of ours: a disk of another device, say.
 *
 * Return: its path, free(); NULL where there is none.
 */
char *factory_volume_rival(int record_fd, const char *spec, const char *device);

/**
 * factory_volume_clear - take away what a device is recognised by as holding anything
 */
int factory_volume_clear(const char *device, struct verity_error *err) must_check;
