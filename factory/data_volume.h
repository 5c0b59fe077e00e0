/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * DATA as a block device: its file system, and where the device is. Kept on PERSIST
 * (data.json), so that a reset finds it and can make a new file system when the old one
 * cannot be read any more, or after a power cut while it was made.
 */

#include "factory/filesystem.h"

#include <stdint.h>

#define FACTORY_VOLUME            "data.json"
#define FACTORY_VOLUME_BYTES_MAX  4096
#define FACTORY_VOLUME_PLACE_MAX  511                 /* bytes */
#define FACTORY_VOLUME_DEVICE_MAX (UINT64_C(1) << 60) /* bytes */

/* Plain data. */
struct factory_volume {
	struct factory_filesystem filesystem; /* .type "": unknown */
	/* "PARTUUID=…", or the device's folder below /sys/devices */
	char place[FACTORY_VOLUME_PLACE_MAX + 1];
	uint64_t bytes; /* of the device */
};

/**
 * factory_volume_decode - read JSON text
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int factory_volume_decode(const void *bytes, size_t size, struct factory_volume *ret,
			  struct verity_error *err) must_check;

/**
 * factory_volume_encode - write JSON text
 * @ret: 0-terminated, set on success only; free()
 */
int factory_volume_encode(const struct factory_volume *volume, char **ret,
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
