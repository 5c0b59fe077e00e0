/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of a dm-verity device, and the requests that make a device of it. */

#include "verity/package/package.h"

#define VERITY_COMPLAINT_MAX 256

struct verity_set_up_device {
	const char *name; /* of device-mapper; at most VERITY_DM_NAME_MAX */
	const char *data_path;
	const char *tree_path; /* the whole file: its tree begins at the layout's place */
	const struct verity_verified *verified;
};

/**
 * verity_dm_table_set_up - set up a device, read-only, with a node in VERITY_DM_FOLDER
 * @control:   of verity_dm_open()
 * @key:       description of the key that the kernel finds the signature in; "": it gets
 *             none
 * @complaint: on failure: why
 *
 * Return: 0; -errno, and there is no device.
 */
int verity_dm_table_set_up(int control, const struct verity_set_up_device *device,
			   const char *key,
			   char complaint[static VERITY_COMPLAINT_MAX]) must_check;

/**
 * verity_dm_table_fail - fill a complaint; the answer of the kernel comes last in it,
 * where verity/device/kernel_requirement.c looks for it
 * @r: -errno
 *
 * Return: @r.
 */
int verity_dm_table_fail(int r, const char *step, const char *name,
			 char complaint[static VERITY_COMPLAINT_MAX]);
