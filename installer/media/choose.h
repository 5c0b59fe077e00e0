/* SPDX-License-Identifier: MIT */
#pragma once

/* Which of the connected media a label selects; pure. */

#include "installer/media/scan.h"
#include "overlay/config/bootconf.h"

#define MEDIA_DESCRIPTION_MAX 256

/**
 * media_describe - "sdb1 (USB, vfat, STICK)", printable
 */
void media_describe(const struct media_item *item,
		    char ret[static MEDIA_DESCRIPTION_MAX]);

/**
 * media_usable - whether it can hold a file system at all: not a disk with partitions
 */
bool media_usable(const struct media_item *item);

/**
 * media_external - whether `external` can select it
 */
bool media_external(const struct media_item *item);

/**
 * media_choose - the medium that a label selects
 * @media:  NULL: `external`
 * @number: of the device, if the label selects one by its path; 0: there is none
 *
 * The first in the order of the list that can be read, else the first that matches.
 *
 * Return: borrowed from @list; NULL if there is none.
 */
const struct media_item *media_choose(const struct media_list *list,
				      const struct overlay_media *media, dev_t number);
