/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The mounts that the kernel lists, and mounting a volume. There are two ways, of which a
 * program has one: libmount in mounts_libmount.c, or reading and asking by ourselves in
 * mounts_kernel.c, for the initramfs of a build with the option lean_initramfs.
 */

#include "verity/util/error.h"

#include <stdbool.h>
#include <sys/types.h>

#define OVERLAY_MOUNTINFO "/proc/self/mountinfo"

struct overlay_mount {
	const char *root;   /* of the file system: what of it is mounted */
	const char *target; /* where */
	const char *source; /* a path; NULL: none, as for tmpfs */
	dev_t device;
};

/* In the order of mounting; it owns the strings. */
struct overlay_mounts {
	struct overlay_mount *items;
	size_t count;
};

/**
 * overlay_mounts_read - read a list of mounts
 * @path: OVERLAY_MOUNTINFO, or that of another process
 * @ret:  set on success only; free with overlay_mounts_free()
 *
 * Return: 0; -ENOMEM; -errno.
 */
int overlay_mounts_read(const char *path, struct overlay_mounts *ret) must_check;

/**
 * overlay_mounts_mount - mount a file system, nodev, nosuid, noexec
 * @device: block device; @type: of its file system
 * @target: a folder
 * @ret_why: errno of mount(2), where it failed; else 0
 *
 * A device that is write-protected is mounted read-only.
 *
 * Return: 0; -errno (MOUNT, NO_MEMORY).
 */
int overlay_mounts_mount(const char *device, const char *type, const char *target,
			 bool read_only, int *ret_why,
			 struct verity_error *err) must_check;

/**
 * overlay_mounts_option - what a volume is mounted with for the sake of its file system;
 * NULL: nothing. Both ways use it.
 */
const char *overlay_mounts_option(const char *type);

/**
 * overlay_mounts_free - free what a list holds; it is empty afterwards
 */
void overlay_mounts_free(struct overlay_mounts *mounts);

/**
 * overlay_mounts_add - append to a list; the strings are copied
 *
 * Return: 0; -ENOMEM.
 */
int overlay_mounts_add(struct overlay_mounts *mounts,
		       const struct overlay_mount *mount) must_check;

/**
 * overlay_mount_below - whether @path, which may be NULL, lies below @folder
 */
bool overlay_mount_below(const char *path, const char *folder);

/**
 * overlay_mount_is_of - whether a block device is mounted there; where the file system
 * has a number of its own, as btrfs, by the name that it was mounted by
 */
bool overlay_mount_is_of(const struct overlay_mount *mount, dev_t device);
