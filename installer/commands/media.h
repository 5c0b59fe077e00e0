/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/common/report.h"
#include "installer/media/view.h"

/* One line of `show media`. */
struct media_row {
	const char *label;             /* NULL: no label stands for it */
	const char *match;             /* NULL with it, and of `external` */
	const struct media_item *item; /* NULL: it is not connected */
};

#define MEDIA_ROWS_MAX (1 + OVERLAY_MEDIA_MAX + MEDIA_ITEMS_MAX)

/**
 * media_rows - what there is to show: `external`, the other labels, and all else that is
 * plugged in
 * @ret: MEDIA_ROWS_MAX of them; borrow from @view
 *
 * Return: how many there are.
 */
size_t media_rows(const struct media_view *view, struct media_row *ret) must_check;

/**
 * media_state - "connected", "not connected", "unknown file system", "unreadable"
 */
const char *media_state(const struct media_row *row);

/**
 * media_json - print the rows as docs/media.md has it
 */
int media_json(const struct media_row *rows, size_t count,
	       struct verity_error *err) must_check;

/**
 * media_show - `show media`
 */
enum exit_status media_show(struct device *device, bool json) must_check;
