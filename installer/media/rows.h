/* SPDX-License-Identifier: MIT */
#pragma once

/* The lines of a table of media. */

#include "installer/media/view.h"

struct media_row {
	const char *label;             /* NULL: no label selects it */
	const char *match;             /* NULL with it, and of `external` */
	const struct media_item *item; /* NULL: it is not connected */
};

#define MEDIA_ROWS_MAX (1 + OVERLAY_MEDIA_MAX + MEDIA_ITEMS_MAX)

/**
 * media_rows - `external`, the other labels, and all other connected media
 * @ret: room for MEDIA_ROWS_MAX; borrowed from @view
 *
 * Return: how many.
 */
size_t media_rows(const struct media_view *view, struct media_row *ret);

/**
 * media_row_state - "connected", "not connected", ...; a constant
 */
const char *media_row_state(const struct media_row *row);
