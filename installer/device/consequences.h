/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a change of the stores would mean for needs and conflicts of the packages: asked
 * before it is made.
 */

#include "installer/device/installed.h"
#include "overlay/store/relations.h"

/* A package that comes to the stores. Borrowed. */
struct consequences_added {
	struct overlay_entry entry;
	const struct verity_judgement *judgement; /* of one that is accepted */
};

/* A change. Borrowed. */
struct consequences_change {
	const struct consequences_added *added;
	size_t added_count;
	/* Those that go, whatever store they are in: also those that are replaced. */
	const struct overlay_entry *removed;
	size_t removed_count;
};

/* Plain data; consequences_free(). */
struct consequences {
	struct installed_list list;
	struct overlay_related *items; /* owned; what is added comes first */
	struct verity_error *reasons;  /* owned; of each */
	bool *before; /* owned; whether it is active without the change */
	size_t count; /* 0: no package needs another or conflicts */
};

/**
 * consequences_read - find out which packages could be active after a change
 * @ret: filled on success only; consequences_free()
 *
 * What only the boot configuration or a reset that is requested leave out counts as
 * active: a device in safe mode is there to be repaired. Cost: reads the preamble of
 * each installed package; where one needs another or conflicts with one, each is judged,
 * without its image.
 *
 * Return: 0; -errno.
 */
int consequences_read(struct device *device, const struct consequences_change *change,
		      struct consequences *ret, struct verity_error *err) must_check;

/**
 * consequences_end - whether the change keeps a package that stays, or is added, from
 * being active
 */
bool consequences_end(const struct consequences *after, size_t index);

/**
 * consequences_check - a warning for each package from index @first on that the change
 * keeps from being active
 *
 * Return: 0; -EPERM (REQUIRED) where the device does not start without one of them.
 */
int consequences_check(struct device *device, const struct consequences *after,
		       size_t first, struct verity_error *err) must_check;

void consequences_free(struct consequences *after);
