/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The way through the layers of a stack to the folder that a file system is mounted on.
 * The mount needs the folder in the stack, too. A layer blocks it that deletes the
 * folder, or one above it, has something else in its place, or hides what the layers
 * below have. The rules are those of overlayfs (Linux
 * Documentation/filesystems/overlayfs.rst).
 */

#include <stdbool.h>
#include <stddef.h>

#include "verity/util/error.h"

/* What a layer has at one name of the path. */
#define OVERLAY_WAY_FOLDER 'd'
#define OVERLAY_WAY_OPAQUE                                                               \
	'o' /* a folder that hides the same one of the layers below                      \
	     */
#define OVERLAY_WAY_FILE     'f'
#define OVERLAY_WAY_WHITEOUT 'w'
#define OVERLAY_WAY_LINK     'l'
#define OVERLAY_WAY_OTHER    's' /* device, pipe, socket */

#define OVERLAY_WAY_MAX 2048 /* names of a path, more than a path of 4095 bytes has */

/*
 * One character for the top of the stack and one for each name of the path; ended by 0
 * where the layer has nothing, or no folder.
 */
struct overlay_way {
	char kinds[OVERLAY_WAY_MAX + 2];
	bool in; /* the layer takes part in the stack */
};

struct overlay_way_block {
	size_t layer;
	size_t names; /* of the path, up to what blocks it */
	char kind;    /* what that is */
};

/**
 * overlay_way_look - what a layer has on the way to @path
 * @folder: of the layer: its root, or what it has of the hierarchy that is covered
 * @path:   below @folder, with or without a leading slash
 *
 * No link is followed, and nothing but folders is opened.
 *
 * Return: 0; -errno: the layer cannot be read.
 */
int overlay_way_look(const char *folder, const char *path, struct overlay_way *ret,
		     struct verity_error *err) must_check;

/**
 * overlay_way_blocked - whether a layer blocks the mount, and which; pure
 * @ways:   of each layer, the one on top first; below them is the firmware, which has all
 *          of the path
 * @names:  of the path
 * @folder: what is mounted is a folder, not a file
 * @ret:    filled where there is one: without this layer removed, the path cannot be seen
 */
bool overlay_way_blocked(const struct overlay_way *ways, size_t count, size_t names,
			 bool folder, struct overlay_way_block *ret);

/**
 * overlay_way_names - how many names a path has
 */
size_t overlay_way_names(const char *path);

/**
 * overlay_way_fail - the reason of a layer that blocks the mount at @path
 * @path: with its leading slash
 *
 * Return: -EIO (BLOCKS_MOUNT).
 */
int overlay_way_fail(const struct overlay_way_block *block, const char *path,
		     struct verity_error *err);
