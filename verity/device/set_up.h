/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One dm-verity device over two block devices. There are two ways, of which a build has
 * one (the option lean_initramfs): libcryptsetup in set_up_cryptsetup.c, or the requests
 * of the kernel itself in set_up_kernel.c. Both load the same table.
 */

#include "verity/package/package.h"
#include "verity/util/cleanup.h"

#define VERITY_COMPLAINT_MAX 256

/* What is kept open between devices. */
struct verity_set_up;

struct verity_set_up_device {
	const char *name; /* of device-mapper; at most VERITY_DM_NAME_MAX */
	const char *data_path;
	const char *tree_path; /* the whole file: its tree begins at the layout's place */
	const struct verity_verified *verified;
	bool with_signature; /* the kernel gets the kernel signature of the manifest */
};

/**
 * verity_set_up_open - get ready to set up devices
 * @dm_control: of verity_dm_open(); borrowed for as long as @ret
 * @ret:        set on success only; verity_set_up_free()
 *
 * Return: 0; -ENOMEM.
 */
int verity_set_up_open(int dm_control, struct verity_set_up **ret) must_check;

void verity_set_up_free(struct verity_set_up *set_up);
DEFINE_CLEANUP(struct verity_set_up, verity_set_up_free);

/**
 * verity_set_up_run - set up a device, read-only, with a node in VERITY_DM_FOLDER
 * @complaint: on failure: why, or "" where only the errno is known
 *
 * May be called from several threads. Waits neither for udev nor, as far as the two block
 * devices can be read at once, for storage. Prints nothing.
 *
 * Return: 0; -errno, and there is no device.
 */
int verity_set_up_run(struct verity_set_up *set_up,
		      const struct verity_set_up_device *device,
		      char complaint[static VERITY_COMPLAINT_MAX]) must_check;
