/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A verified package as a read-only block device: two loop devices over the verified
 * descriptor (image and tree) under one dm-verity device made by libcryptsetup. A block
 * that does not match reads as EIO; nothing ever panics or restarts the machine. Works
 * without udev: missing device nodes are made.
 */

#include "verity/package.h"

#define VERITY_DEVICE_PREFIX "wmopkg-"

struct verity_device;

/**
 * verity_device_open - attach a verified package
 * @verified: borrowed for the call; its descriptor is the one that gets attached
 * @dm_name:  device-mapper name, unique, VERITY_DEVICE_PREFIX first
 * @ret:      set on success alone; free with verity_device_free()
 *
 * Where the manifest holds a kernel signature, the kernel gets it to check. One that
 * cannot, or does not know its key, sets the device up without, unless it demands a
 * signature (dm_verity.require_signatures).
 *
 * Return: 0; -EOPNOTSUPP where the kernel lacks loop or dm-verity (the message names the
 * option); -EIO (KERNEL_SIGNATURE) where it demands a signature and has none that it
 * takes; -errno.
 */
int verity_device_open(const struct verity_verified *verified, const char *dm_name,
		       struct verity_device **ret, struct verity_error *err) must_check;

/**
 * verity_device_path - the block device, under /dev/mapper; borrowed
 */
const char *verity_device_path(const struct verity_device *device);

/**
 * verity_device_note - why the kernel made no use of the kernel signature; borrowed; NULL
 * where it did, or there is none
 */
const char *verity_device_note(const struct verity_device *device);

/**
 * verity_device_release - let go of the device in this process without detaching it
 *
 * The kernel takes it down by itself when its last user (the mount) is gone.
 */
void verity_device_release(struct verity_device *device);

/**
 * verity_device_free - detach the device and free it; takes NULL
 */
void verity_device_free(struct verity_device *device);

/**
 * verity_device_clean - detach devices of ours that an earlier, killed run left unused
 *
 * Return: how many were detached; -errno.
 */
int verity_device_clean(struct verity_error *err) must_check;
