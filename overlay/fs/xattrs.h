/* SPDX-License-Identifier: MIT */
#pragma once

/* Extended attributes: access lists, labels, capabilities, what a user wrote. */

#include "verity/util/error.h"

/**
 * overlay_attributes_copy - give a file, folder or link the attributes of another
 * @path:     relative to @from_fd and to @to_fd alike; free of links but for the last
 * part
 * @ret_left: raised by the number of those that the target does not take; may be NULL
 *
 * Those of overlayfs are passed over: they speak of layers. So are capabilities where the
 * source is mounted nosuid, and they count for nothing. Needs /proc.
 *
 * Return: 0; -errno.
 */
int overlay_attributes_copy(int from_fd, int to_fd, const char *path,
			    size_t *ret_left) must_check;

/**
 * overlay_attributes_nosuid - whether a folder is on a file system mounted nosuid
 */
bool overlay_attributes_nosuid(int fd);
