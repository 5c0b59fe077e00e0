/* SPDX-License-Identifier: MIT */
#pragma once

/* What lies on a block device: libblkid is asked, of the opened device alone. */

#include "installer/media/scan.h"

/**
 * media_node_open - open a block device for reading
 * @dev: folder of the nodes, "/dev"
 * @ret: set on success alone; the caller's to close
 *
 * The node must be a block device of the number that the kernel says.
 *
 * Return: 0; -EACCES (PERMISSION); -ENODEV where it is not there, or is
 * another one; -errno.
 */
int media_node_open(const char *dev, const struct media_item *item, int *ret,
		    struct verity_error *err) must_check;

/**
 * media_probe - fill the last part of @item; what goes wrong is part of it
 *
 * Where two file systems could be meant, it is MEDIA_UNKNOWN.
 */
void media_probe(const char *dev, struct media_item *item);

/**
 * media_type_known - whether a file system of this type can be mounted
 */
bool media_type_known(const char *type);
