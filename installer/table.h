/* SPDX-License-Identifier: MIT */
#pragma once

/* A framed table of text, as wide as a console. */

#include <stddef.h>
#include <stdio.h>

#define TABLE_COLUMNS_MAX 8
#define TABLE_WIDTH       80 /* columns of the frame, where the content fits */

/**
 * table_print - print rows under a title, each cell as wide as its column needs
 * @cells:     @rows × @columns strings, row by row, the first row being the headings;
 *             UTF-8, printable
 * @columns:   1 .. TABLE_COLUMNS_MAX
 * @width_max: columns of the terminal, where the last column of the table is cut;
 *             0: the frame is as wide as it takes
 *
 * Widths are the terminal's: a wide character takes two columns, a combining one none.
 */
void table_print(FILE *out, const char *title, const char *const *cells, size_t columns,
		 size_t rows, size_t width_max);
