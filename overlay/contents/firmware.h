/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The firmware's tree, as it lies below all packages: looked at, never followed out of. A
 * link is a link, and what is mounted within the tree is not part of it.
 */

#include <limits.h>

#include "overlay/contents/list.h"
#include "overlay/fs/protect.h"

/**
 * overlay_firmware_open - open the folder that the firmware's root is seen in
 * @ret: the caller's to close
 */
int overlay_firmware_open(const char *folder, int *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_firmware_look - what stands at @path; see struct overlay_lookup_base
 *
 * Return: 0; -ENOENT (@err is not filled), also below a link or a file; -errno.
 */
int overlay_firmware_look(int root_fd, const char *path,
			  struct overlay_contents_look *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_firmware_target - where the link at @path points
 */
int overlay_firmware_target(int root_fd, const char *path, char ret[static PATH_MAX],
			    struct verity_error *err) must_check;

/* The folders of the firmware that are looked at each by itself: hierarchies. */
struct overlay_firmware_part {
	const char *path; /* borrowed */
	int fd;           /* borrowed */
};

struct overlay_firmware {
	int root; /* borrowed */
	const struct overlay_firmware_part *parts;
	size_t count;
};

/**
 * overlay_firmware_at - where a path of the firmware is to be looked at
 * @ret_rest: the path from there; part of @path
 *
 * Return: a descriptor, not the caller's.
 */
int overlay_firmware_at(const struct overlay_firmware *firmware, const char *path,
			const char **ret_rest);

/**
 * overlay_firmware_engine - the layer that the boot puts on top of all, as a list
 * @own: what the configuration adds to what is protected; may be NULL
 * @ret: set on success alone; overlay_contents_free()
 *
 * What overlay/stack/engine_layer.h makes of this firmware: all of it is the firmware's.
 */
int overlay_firmware_engine(const struct overlay_firmware *firmware,
			    const struct overlay_protect *own,
			    struct overlay_contents *ret,
			    struct verity_error *err) must_check;
