/* SPDX-License-Identifier: MIT */
#pragma once

/* A framed table of text; where a terminal is too narrow for it, the same as a list. */

#include "installer/common/layout.h"

#define TABLE_COLUMNS_MAX 8

struct table_column {
	const char *head;  /* of the table */
	const char *label; /* of the list; NULL: the value alone, which begins an item */
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
 * The frame is LAYOUT_WIDTH columns wide, or wider where the content and the terminal
 * are; the last column takes what is left. In a narrower one the last column is cut
 * first, then the widest of the others. What may not be cut as far as it had to be is
 * printed as a list.
 */
void table_print(FILE *out, const struct layout *layout, const struct table *table);
