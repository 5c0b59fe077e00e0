/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What PERSIST remembers of earlier boots that says which packages come first in line.
 * Hints: they change the order in which packages are looked at, and let none in.
 */

#include "overlay/record/begun.h"
#include "overlay/record/good_set.h"

/* Plain data; hints_free(). */
struct hints {
	struct overlay_good_set good;
	struct overlay_entry *first; /* owned: those of the set, and those on trial */
	size_t first_count;
	unsigned begun; /* boots in a row that did not get through; see begun.h */
	enum overlay_caution caution;
};

/**
 * hints_load - read what there is; what cannot be read says nothing
 * @record_fd: PERSIST/wmopkg; -1: there is none
 * @limit:     key `trials`
 * @ret:       set always
 */
void hints_load(int record_fd, unsigned limit, struct hints *ret);

/**
 * hints_begin - count this boot, before anything of DATA is read
 *
 * @hints: where the boot could not be counted, it has no caution any more: the same
 *         number would leave the same packages out in every boot
 *
 * Synced when it returns. The kernel log says why a boot is careful, and where it could
 * not be counted.
 */
void hints_begin(int record_fd, unsigned limit, struct hints *hints);

/**
 * hints_end - the packages are verified: the boot no longer counts
 */
void hints_end(int record_fd, unsigned limit, const struct hints *hints);

void hints_free(struct hints *hints);
