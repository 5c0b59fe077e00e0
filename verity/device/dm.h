/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Requests to device-mapper. Source:
 * <linux/dm-ioctl.h>. None of them waits for udev or for storage.
 */

#include "verity/util/error.h"

#define VERITY_DM_NAME_MAX 127 /* characters of a device's name */
#define VERITY_DM_FOLDER   "/dev/mapper/"

/**
 * verity_dm_open - the descriptor that requests go to
 * @ret: the caller closes it; set on success only
 *
 * Makes the device node where it is missing, and so loads the kernel's module.
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE); -errno.
 */
int verity_dm_open(int *ret, struct verity_error *err) must_check;

struct dm_ioctl;

/**
 * verity_dm_ask - one request
 * @command: such as DM_DEV_CREATE
 * @name:    of the device
 * @request: its flags are sent, and what follows it; the answer of the kernel
 *           replaces all of it
 * @bytes:   of @request and what follows it
 *
 * Return: 0; -errno.
 */
int verity_dm_ask(int control, unsigned command, const char *name,
		  struct dm_ioctl *request, size_t bytes) must_check;

/**
 * verity_dm_exists - whether the kernel has device-mapper, without loading it
 */
bool verity_dm_exists(void);

/**
 * verity_dm_has_target - whether the kernel has a type of device; loads its module
 */
bool verity_dm_has_target(int control, const char *target);

/**
 * verity_dm_remove - remove a device: now, or when its last user is gone
 *
 * Return: 1 where it is gone; 0 where it is in use, and will go; -errno.
 */
int verity_dm_remove(int control, const char *name) must_check;

/**
 * verity_dm_remove_all - the same for every device whose name @matches
 *
 * Not by /sys/block: a device that never got a table is not shown there, and its name is
 * in use all the same.
 *
 * Return: how many are gone; -errno.
 */
int verity_dm_remove_all(int control, bool (*matches)(const char *name),
			 struct verity_error *err) must_check;
