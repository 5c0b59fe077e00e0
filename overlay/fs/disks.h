/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a block device lies on, as sysfs has it: a partition on its disk, a device of
 * device-mapper or md on its members, a loop device on the one that its file is on.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define OVERLAY_SYSFS     "/sys"
#define OVERLAY_DISKS_MAX 64

/* Plain data. */
struct overlay_disks {
	dev_t devices[OVERLAY_DISKS_MAX]; /* the device itself first */
	size_t count;                     /* 0: on no block device */
	bool unread;                      /* there may be more of them */
};

/**
 * overlay_disks_below - a block device, and whatever it lies on
 * @sysfs:  OVERLAY_SYSFS
 * @device: with major number 0 it is none, and the result is empty
 * @files:  also what the file of a loop device is on
 * @ret:    always filled
 */
void overlay_disks_below(const char *sysfs, dev_t device, bool files,
			 struct overlay_disks *ret);

/**
 * overlay_disks_have - whether @device is one of them
 */
bool overlay_disks_have(const struct overlay_disks *disks, dev_t device);

/**
 * overlay_disks_meet - whether one device is among both
 */
bool overlay_disks_meet(const struct overlay_disks *one,
			const struct overlay_disks *other);

/**
 * overlay_disks_plugged - whether one of them can be pulled out: on USB, an SD card, or a
 * disk that says so itself
 */
bool overlay_disks_plugged(const char *sysfs, const struct overlay_disks *disks);

/**
 * overlay_disks_of_fd - the block device that the file system of an open file is on
 *
 * Return: 0 where it is on none, or on one that cannot be found out.
 */
dev_t overlay_disks_of_fd(int fd);

/**
 * overlay_disks_folder - the folder of a block device in sysfs, without links
 *
 * Return: its path, free(); NULL where there is none.
 */
char *overlay_disks_folder(const char *sysfs, dev_t device);
