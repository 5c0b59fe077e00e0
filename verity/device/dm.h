/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Requests to device-mapper itself, for what takes libcryptsetup more than one. Source:
 * <linux/dm-ioctl.h>. None of them waits for anything: not for udev, nor for storage.
 */

#include "verity/util/error.h"

#define VERITY_DM_NAME_MAX 127 /* characters of a device's name */
#define VERITY_DM_FOLDER   "/dev/mapper/"

/**
 * verity_dm_open - the descriptor that requests go to
 * @ret: the caller's to close; set on success only
 *
 * Makes the device node where it is missing, and so loads the kernel's module.
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE); -errno.
 */
int verity_dm_open(int *ret, struct verity_error *err) must_check;

/**
 * verity_dm_exists - whether the kernel has device-mapper, without having it loaded
 */
bool verity_dm_exists(void);

/**
 * verity_dm_has_target - whether the kernel has a kind of device; loads its module
 */
bool verity_dm_has_target(int control, const char *target);

/**
 * verity_dm_remove - have a device taken down: now, or when its last user is gone
 *
 * Return: 1 where it is gone; 0 where it is in use, and will go; -errno.
 */
int verity_dm_remove(int control, const char *name) must_check;

/**
 * verity_dm_list - the names of all devices that begin with @prefix
 * @ret: set on success only; an array of @ret_count strings in one piece; free()
 *
 * Not from /sys/block: one that was made and never got a table is not shown there, and
 * its name is taken all the same.
 */
int verity_dm_list(int control, const char *prefix, char ***ret, size_t *ret_count,
		   struct verity_error *err) must_check;
