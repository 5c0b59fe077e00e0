/* SPDX-License-Identifier: MIT */
/* Tables: measuring, cutting columns, and the frame. */
#include "installer/common/table.h"

#include <assert.h>
#include <stdint.h>

#define GAP    2 /* blanks between columns */
#define FRAME  2 /* columns it takes beside what it holds */
#define INDENT 2 /* of what a list says of an item */

/*
 * Not libsmartcols: it draws no frame. Its title stands in a line of its own without
 * corners, padded with the first byte of a character, its lines have no sides, and what
 * it cuts off leaves no mark.
 */
struct strokes {
	const char *top_left, *top, *top_right;
	const char *side;
	const char *bottom_left, *bottom, *bottom_right;
};

static const struct strokes lines = {"╒", "═", "╕", "│", "└", "─", "┘"};
static const struct strokes plain = {"+", "=", "+", "|", "+", "-", "+"};

/* The column to cut next, -1 where none may be: the widest, of two the last. */
static int next_to_cut(const struct table *table, const size_t *widths)
{
	int widest = -1;

	for (int i = (int)table->column_count - 1; i >= 0; i--) {
		size_t least = table->columns[i].least;

		if (!least || widths[i] <= least)
			continue;
		if (widest < 0 || widths[i] > widths[widest])
			widest = i;
	}
	return widest;
}

/* @inner: columns within the frame */
static void print_framed(FILE *out, const struct layout *layout,
			 const struct table *table, const size_t *widths, size_t inner)
{
	const struct strokes *strokes = layout->ascii ? &plain : &lines;
	size_t used = layout_width(table->title) + 2;

	fprintf(out, "%s %s ", strokes->top_left, table->title);
	layout_repeat(out, strokes->top, inner > used ? inner - used : 0);
	fprintf(out, "%s\n", strokes->top_right);
	for (size_t row = 0; row <= table->rows; row++) {
		const char *const *cells =
			row ? table->cells + (row - 1) * table->column_count : NULL;

		fputs(strokes->side, out);
		for (size_t i = 0; i < table->column_count; i++) {
			layout_cell(out, layout,
				    cells ? cells[i] : table->columns[i].head, widths[i]);
			layout_repeat(out, " ", i + 1 < table->column_count ? GAP : 0);
		}
		fprintf(out, "%s\n", strokes->side);
	}
	fputs(strokes->bottom_left, out);
	layout_repeat(out, strokes->bottom, inner);
	fprintf(out, "%s\n", strokes->bottom_right);
}

static void print_list(FILE *out, const struct layout *layout, const struct table *table)
{
	layout_printf(out, layout, INDENT, "%s:", table->title);
	for (size_t i = 0; i < table->rows * table->column_count; i++) {
		const struct table_column *column =
			&table->columns[i % table->column_count];

		if (!table->cells[i][0])
			continue;
		if (!column->label)
			layout_print(out, layout, INDENT, table->cells[i]);
		else
			layout_printf(out, layout, (size_t)2 * INDENT, "%*s%s: %s",
				      INDENT, "", column->label, table->cells[i]);
	}
}

void table_print(FILE *out, const struct layout *layout, const struct table *table)
{
	size_t widths[TABLE_COLUMNS_MAX] = {0};
	size_t inner_max = layout->width > FRAME ? layout->width - FRAME : SIZE_MAX;
	size_t last = table->column_count - 1;
	size_t inner = GAP * last;

	assert(table->column_count >= 1 && table->column_count <= TABLE_COLUMNS_MAX);
	for (size_t i = 0; i < table->column_count; i++)
		widths[i] = layout_width(table->columns[i].head);
	for (size_t i = 0; i < table->rows * table->column_count; i++) {
		size_t width = layout_width(table->cells[i]);

		if (width > widths[i % table->column_count])
			widths[i % table->column_count] = width;
	}
	for (size_t i = 0; i <= last; i++)
		inner += widths[i];
	for (; inner > inner_max; inner--) {
		int column = next_to_cut(table, widths);

		if (column < 0) {
			print_list(out, layout, table);
			return;
		}
		widths[column]--;
	}
	if (inner < LAYOUT_WIDTH - FRAME && inner_max >= LAYOUT_WIDTH - FRAME) {
		widths[last] += LAYOUT_WIDTH - FRAME - inner;
		inner = LAYOUT_WIDTH - FRAME;
	}
	print_framed(out, layout, table, widths, inner);
}
