/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which block devices there are, and which of them can be removed: by what the kernel
 * says in sysfs. No udev, and no device is opened.
 */

#include "verity/util/error.h"

#include <stdint.h>
#include <sys/types.h>

#define MEDIA_NAME_MAX  32
#define MEDIA_TEXT_MAX  128 /* bytes of a label or a UUID, with the ending 0 */
#define MEDIA_ITEMS_MAX 256 /* block devices that are looked at */

/* In order of preference. */
enum media_bus {
	MEDIA_SD,
	MEDIA_USB,
	MEDIA_OTHER,
};

enum media_probed {
	MEDIA_NOT_PROBED,
	MEDIA_KNOWN,      /* has a file system that can be mounted */
	MEDIA_UNKNOWN,    /* has another one, or none */
	MEDIA_UNREADABLE, /* could not be read, because of @failure */
};

/* A partition, or a disk. Texts from the medium are not made printable. */
struct media_item {
	char name[MEDIA_NAME_MAX]; /* "sdb1" */
	char disk[MEDIA_NAME_MAX]; /* "sdb"; of a disk its own name */
	unsigned partition;        /* 0: a disk */
	bool has_partitions;       /* a disk with partitions is not mounted itself */
	dev_t number;
	dev_t disk_number; /* of its disk */
	uint64_t bytes;
	enum media_bus bus;
	bool plugged;                    /* can be removed */
	bool system;                     /* the device itself runs from its disk */
	char part_label[MEDIA_TEXT_MAX]; /* of a GPT; "" if it has none */

	/* set by media_probe() */
	enum media_probed probed;
	int failure;   /* errno */
	bool reserved; /* a partition for firmware or the other system, not for files */
	char type[16]; /* of the file system, as libblkid calls it; "": none */
	char volume[MEDIA_TEXT_MAX];
	char uuid[MEDIA_TEXT_MAX];
};

struct media_list {
	struct media_item *items; /* owned */
	size_t count;
};

/**
 * media_scan - list the block devices
 * @sysfs:  "/sys"
 * @system: numbers of the devices that the device runs from; those that they are made of
 *          count as well, and so do all partitions of a disk
 * @ret:    SD cards, then USB, then others; by name and partition; without drives that
 * have no medium; set on success only; media_list_free()
 *
 * What is on a USB bus, and cards of type SD, can be removed, unless they are marked as
 * fixed. eMMC, SATA, NVMe and virtual devices cannot.
 */
int media_scan(const char *sysfs, const dev_t *system, size_t system_count,
	       struct media_list *ret, struct verity_error *err) must_check;

void media_list_free(struct media_list *list);

/**
 * media_list_mark_system - mark that the device runs from the disk called @disk
 */
void media_list_mark_system(struct media_list *list, const char *disk);

/**
 * media_scan_connected - whether a device is still there, the same, and has a medium
 */
bool media_scan_connected(const char *sysfs, const char *name, dev_t number);

/**
 * media_bus_name - "SD", "USB", "internal"
 */
const char *media_bus_name(enum media_bus bus);
