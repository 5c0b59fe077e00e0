/* SPDX-License-Identifier: MIT */
#pragma once

/* A framed table of text; a list, if the terminal is too narrow for it. */

#include "installer/common/layout.h"

#define TABLE_COLUMNS_MAX 8

struct table_column {
	const char *head;  /* of the table */
	const char *label; /* of the list; NULL: only the value, which begins an item */
	size_t least;      /* columns it may be cut to; 0: it is never cut */
};

/* Plain data, borrowed. */
struct table {
	const char *title;
	const struct table_column *columns;
	size_t column_count;      /* 1 .. TABLE_COLUMNS_MAX */
	const char *const *cells; /* @rows × @column_count, row by row; printable UTF-8 */
	size_t rows;
};

/**
 * table_print - print rows under a title
 *
 * The frame is LAYOUT_WIDTH columns wide, or wider if the content and the terminal are;
 * the last column takes the rest. On a narrower terminal the last column is cut first,
 * then the widest of the others. If they cannot be cut far enough, a list is printed.
 */
void table_print(FILE *out, const struct layout *layout, const struct table *table);
