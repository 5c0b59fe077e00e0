/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One dm-verity device over two block devices, with a kernel signature; without one the
 * kernel is asked directly (dm_table.h). There are two ways, of which a build has one
 * (the option lean_initramfs): libcryptsetup in set_up_cryptsetup.c, or a key of ours in
 * set_up_kernel.c. Both load the same table.
 */

#include "verity/device/dm_table.h"
#include "verity/util/cleanup.h"

/* What several devices share. */
struct verity_set_up;

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
 * verity_set_up_signed - set up a device, read-only, with a node in VERITY_DM_FOLDER; the
 * kernel gets the kernel signature of its manifest
 * @complaint: on failure: why, or "" where only the errno is known
 *
 * May be called from several threads. Does not wait for udev; what waits for storage
 * holds no lock. Prints nothing.
 *
 * Return: 0; -errno, and there is no device.
 */
int verity_set_up_signed(struct verity_set_up *set_up,
			 const struct verity_set_up_device *device,
			 char complaint[static VERITY_COMPLAINT_MAX]) must_check;
