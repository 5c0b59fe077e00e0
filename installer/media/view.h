/* SPDX-License-Identifier: MIT */
#pragma once

/* The connected media, and what each label selects. */

#include "installer/device/device.h"
#include "installer/media/choose.h"

struct media_view {
	struct overlay_bootconf bootconf; /* for its labels */
	struct media_list list;
	/* what the labels select, borrowed from @list; NULL: nothing */
	const struct media_item *external;
	const struct media_item *chosen[OVERLAY_MEDIA_MAX]; /* by number of the label */
};

/**
 * media_view_read - find out what is connected
 * @label: the one that is wanted, or NULL for all; no more is read than needed
 * @ret:   set on success only; media_view_done()
 *
 * If the boot configuration cannot be read it counts as empty, with a warning on stderr.
 *
 * Return: 0; -ENOENT (NOT_FOUND), with the known labels, if @label is none; -errno.
 */
int media_view_read(struct device *device, const char *label, struct media_view *ret,
		    struct verity_error *err) must_check;

void media_view_done(struct media_view *view);

/**
 * media_view_get - the medium that a label selects
 * @label: one that media_view_read() accepted
 * @ret:   borrowed from @view; one that can be mounted
 *
 * Return: 0; -ENOENT (NO_MEDIUM); -EOPNOTSUPP (UNSUPPORTED) if its file system is not
 * known; -EACCES (PERMISSION) if only root can read it; -errno if it cannot be read.
 */
int media_view_get(const struct media_view *view, const char *label,
		   const struct media_item **ret, struct verity_error *err) must_check;
