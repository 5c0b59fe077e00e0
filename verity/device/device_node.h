/* SPDX-License-Identifier: MIT */
#pragma once

/* Device nodes on a system without udev. */

#include <sys/types.h>

/**
 * verity_device_node_open - open a device node; where it is missing, make it first
 * @path:  its directory is made, too
 * @flags: of open(2); O_CLOEXEC is added
 * @type:  S_IFBLK or S_IFCHR
 *
 * Opening a node also makes the kernel load the module behind it.
 *
 * Return: a descriptor; -errno.
 */
int verity_device_node_open(const char *path, int flags, mode_t type, dev_t device);
