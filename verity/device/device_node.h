/* SPDX-License-Identifier: MIT */
#pragma once

/* Device nodes on a system without udev. */

#include <sys/types.h>

/**
 * verity_device_node - make a device node, and its folder, where it is missing
 * @type: S_IFBLK or S_IFCHR
 *
 * Opening a node also makes the kernel load the module behind it. A failure shows when
 * the node is opened.
 */
void verity_device_node(const char *path, mode_t type, dev_t device);
