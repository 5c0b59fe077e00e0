/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the super block of a volume says about other devices. It is a hint like all that
 * lies on DATA and PERSIST, and is never followed: the kernel and the programs that
 * repair file systems open whatever device it names, and write to it. Nor is it waited
 * for, where it says that another host may have it mounted.
 */

#include "verity/util/error.h"

#include <stdint.h>

/* Up to here lie the super blocks of all known types. */
#define OVERLAY_SUPERBLOCK_BYTES 69632

/**
 * overlay_superblock_check - whether a file system can be mounted, names no other
 * device, and does not have its mount wait
 * @type:   as libblkid has it; "": none is recognised, then every super block that is
 *          there in spite of that is checked
 * @bytes:  the begin of the device, OVERLAY_SUPERBLOCK_BYTES or all that it has
 * @device: its path, for the message
 *
 * Pure. Sources: Linux fs/ext4/ext4.h, include/linux/f2fs_fs.h,
 * include/uapi/linux/btrfs_tree.h.
 *
 * Return: 0; -EIO (MOUNT) for another type, for a file system with a part on another
 * device, for ext with the feature mmp, and where there is no super block of @type.
 */
int overlay_superblock_check(const char *type, const uint8_t *bytes, size_t size,
			     const char *device, struct verity_error *err) must_check;

/**
 * overlay_superblock_check_device - the same of an open device
 * @fd: open for reading; borrowed
 *
 * Return: as overlay_superblock_check(); -EIO (MOUNT) where it cannot be read.
 */
int overlay_superblock_check_device(int fd, const char *type, const char *device,
				    struct verity_error *err) must_check;
