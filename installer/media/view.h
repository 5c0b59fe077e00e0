/* SPDX-License-Identifier: MIT */
#pragma once

/* What is connected, and what a label stands for. */

#include "installer/device/device.h"
#include "installer/media/scan.h"
#include "overlay/config/bootconf.h"

#define MEDIA_DESCRIPTION_MAX 256

struct media_view {
	struct overlay_bootconf bootconf; /* for its labels */
	struct media_list list;
	/* what its label leads to; the fields of media_item say whether it can be used */
	const struct media_item *external; /* NULL: nothing is plugged in */
	const struct media_item *chosen[OVERLAY_MEDIA_MAX]; /* by number of the label */
};

/**
 * media_look - find out what is connected
 * @label: that is asked for, or NULL for all; no more is read than it takes
 * @ret:   set on success alone; media_view_free()
 *
 * A boot configuration that cannot be read says nothing, with a warning on stderr.
 *
 * Return: 0; -ENOENT (NOT_FOUND), naming the labels there are, where @label is none;
 * -errno.
 */
int media_look(struct device *device, const char *label, struct media_view *ret,
	       struct verity_error *err) must_check;

void media_view_free(struct media_view *view);

/**
 * media_view_get - the medium that a label stands for
 * @label: one that media_look() has taken
 * @ret:   borrowed from @view; one that can be read
 *
 * Return: 0; -ENOENT (NO_MEDIUM); -EOPNOTSUPP (UNSUPPORTED) where its file system is not
 * known; -EACCES (PERMISSION) where it takes root; -errno where it cannot be read.
 */
int media_view_get(const struct media_view *view, const char *label,
		   const struct media_item **ret, struct verity_error *err) must_check;

/**
 * media_describe - "sdb1 (USB, vfat, STICK)", printable
 */
void media_describe(const struct media_item *item,
		    char ret[static MEDIA_DESCRIPTION_MAX]);

/**
 * media_usable - whether it can hold a file system at all: no disk that has partitions
 */
bool media_usable(const struct media_item *item);

/**
 * media_external - whether `external` may mean it
 */
bool media_external(const struct media_item *item);

/**
 * media_choose_external, media_choose - what a label stands for
 * @number: of the device that a label names by its path; 0: there is no such device
 *
 * The first in the order of the list that can be read, else the first that fits.
 *
 * Return: borrowed from @list; NULL where there is none.
 */
const struct media_item *media_choose_external(const struct media_list *list);
const struct media_item *media_choose(const struct media_list *list,
				      const struct overlay_media *media, dev_t number);
