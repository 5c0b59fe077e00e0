/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which block devices there are, and which of them somebody has plugged in: by what the
 * kernel says in sysfs. No udev, and no device is opened.
 */

#include "verity/util/error.h"

#include <stdint.h>
#include <sys/types.h>

#define MEDIA_NAME_MAX  32
#define MEDIA_TEXT_MAX  128 /* bytes of a label or an UUID, with the ending 0 */
#define MEDIA_ITEMS_MAX 256 /* block devices looked at */

/* In the order in which they are taken. */
enum media_bus {
	MEDIA_SD,
	MEDIA_USB,
	MEDIA_OTHER,
};

enum media_probed {
	MEDIA_NOT_PROBED,
	MEDIA_KNOWN,      /* holds a file system that can be mounted */
	MEDIA_UNKNOWN,    /* holds another one, or none that anybody can name */
	MEDIA_UNREADABLE, /* could not be read, by @failure */
};

/* A partition, or a disk. Texts that come from it are as they stand there. */
struct media_item {
	char name[MEDIA_NAME_MAX]; /* "sdb1" */
	char disk[MEDIA_NAME_MAX]; /* "sdb"; of a disk its own name */
	unsigned partition;        /* 0: a disk */
	bool has_partitions;       /* a disk that has some is none to be mounted */
	dev_t number;
	uint64_t bytes;
	enum media_bus bus;
	bool plugged;                    /* from outside, and can be pulled out */
	bool system;                     /* the device itself runs from its disk */
	char part_label[MEDIA_TEXT_MAX]; /* of a GPT; "" where it has none */

	/* what media_probe() finds */
	enum media_probed probed;
	int failure;   /* errno */
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
 * @system: numbers of the devices that the device runs from; what they are made of counts
 *          as well, and so do all parts of a disk
 * @ret:    SD cards, then USB, then others; by name and partition; without drives that
 *          hold no medium; set on success alone; media_list_free()
 *
 * Plugged in is what hangs on a USB bus, unless it is said to be fixed, and cards of type
 * SD, unless they are said to be so. eMMC, SATA, NVMe and virtual ones are not.
 */
int media_scan(const char *sysfs, const dev_t *system, size_t system_count,
	       struct media_list *ret, struct verity_error *err) must_check;

void media_list_free(struct media_list *list);

/**
 * media_list_mark_system - say that the device runs from the disk called @disk
 */
void media_list_mark_system(struct media_list *list, const char *disk);

/**
 * media_scan_connected - whether a device is still there, the same, and holds a medium
 */
bool media_scan_connected(const char *sysfs, const char *name, dev_t number);

/**
 * media_bus_name - "SD", "USB", "internal"
 */
const char *media_bus_name(enum media_bus bus);
