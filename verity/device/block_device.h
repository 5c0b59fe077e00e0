/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A verified package as a read-only block device: two loop devices over the verified
 * descriptor (image and tree) under one dm-verity device. A block that does not match
 * reads as EIO; nothing ever panics or restarts the machine. Works without udev: missing
 * device nodes are made.
 */

#include "verity/package/package.h"
#include "verity/util/cleanup.h"

#define VERITY_DEVICE_PREFIX "wmopkg-"

/* The kernel interfaces that attach packages, opened once for all of them. */
struct verity_devices;

/* An attached package; the owner reads it. */
struct verity_device {
	struct verity_devices *devices; /* borrowed */
	char path[160];                 /* of the block device, under /dev/mapper */
	int fd;                         /* of the block device, for reading */

	/* Why the kernel did not use the kernel signature; "" where it did, or there is
	 * none. */
	char note[320];
};

/**
 * verity_devices_open - get ready to attach packages
 * @ret: set on success only; verity_devices_free(), after all calls that use it
 *
 * Return: 0; -EOPNOTSUPP (KERNEL_FEATURE) where the kernel lacks loop or device-mapper;
 * -errno.
 */
int verity_devices_open(struct verity_devices **ret, struct verity_error *err) must_check;

void verity_devices_free(struct verity_devices *devices);

DEFINE_CLEANUP(struct verity_devices, verity_devices_free);

/**
 * verity_device_open - attach a verified package
 * @devices:  borrowed for as long as the device; may be used from several threads
 * @verified: borrowed for the call; its descriptor is the one that gets attached
 * @dm_name:  device-mapper name, unique, VERITY_DEVICE_PREFIX first
 * @ret:      set on success only; free with verity_device_free()
 *
 * From then on the kernel removes the device by itself after its last user, however this
 * process ends: what must last must be mounted before it is freed.
 *
 * Where the manifest holds a kernel signature, the kernel gets it to check. One that
 * cannot, or does not know its key, sets the device up without, unless it requires a
 * signature (dm_verity.require_signatures).
 *
 * Waits where the package's storage does not answer, but then holds no lock that other
 * threads need.
 *
 * Return: 0; -EOPNOTSUPP where the kernel lacks dm-verity (the message names the option);
 * -EIO (KERNEL_SIGNATURE) where it requires a signature and accepts none;
 * -errno.
 */
int verity_device_open(struct verity_devices *devices,
		       const struct verity_verified *verified, const char *dm_name,
		       struct verity_device **ret, struct verity_error *err) must_check;

/**
 * verity_device_free - release the device; takes NULL
 *
 * It stays for as long as something else uses it, such as a mount.
 */
void verity_device_free(struct verity_device *device);

DEFINE_CLEANUP(struct verity_device, verity_device_free);

/**
 * verity_device_clean - detach devices of ours that an earlier, killed run left unused
 *
 * Those that are in use are taken down by the kernel when they no longer are.
 *
 * Return: how many were detached; -errno.
 */
int verity_device_clean(struct verity_error *err) must_check;
