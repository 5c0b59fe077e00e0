/* SPDX-License-Identifier: MIT */
#pragma once

/* Extended attributes: access lists, labels, capabilities, user attributes. */

#include "verity/util/error.h"

/**
 * overlay_xattrs_copy - give a file, folder or link the attributes of another
 * @path:     relative to @from_fd and to @to_fd alike; free of links but for the last
 * part
 * @ret_left: raised by the number of those that the target does not take; may be NULL
 *
 * Those of overlayfs are left out: they describe layers. So are capabilities where the
 * source is mounted nosuid and they have no effect. Needs /proc.
 *
 * Return: 0; -errno.
 */
int overlay_xattrs_copy(int from_fd, int to_fd, const char *path,
			size_t *ret_left) must_check;

/**
 * overlay_xattrs_nosuid - whether a folder is on a file system mounted nosuid
 */
bool overlay_xattrs_nosuid(int fd);
