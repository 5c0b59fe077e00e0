/* SPDX-License-Identifier: MIT */

/* Prints the candidates of a completion in columns. */

#include "installer/shell/columns.h"

#include <string.h>

#include "installer/common/layout.h"

#define GAP 2

/* Of a path the last part, with the '/' of a directory. */
static const char *shown(const struct candidate *candidate)
{
	const char *text = candidate->text;

	for (const char *slash = strchr(text, '/'); slash && slash[1];
	     slash = strchr(text, '/'))
		text = slash + 1;
	return text;
}

void shell_columns_print(FILE *out, const struct candidates *candidates)
{
	const struct layout layout = layout_of(fileno(out));
	size_t count = candidates->count < SHELL_COLUMNS_MAX ? candidates->count
							     : SHELL_COLUMNS_MAX;
	size_t width = 0, columns;

	for (size_t i = 0; i < count; i++) {
		size_t needed = layout_width(shown(&candidates->items[i])) + GAP;

		width = needed > width ? needed : width;
	}
	columns = width && layout.width / width ? layout.width / width : 1;
	for (size_t i = 0; i < count; i++) {
		const char *text = shown(&candidates->items[i]);

		if (i % columns == columns - 1 || i + 1 == count)
			layout_print(out, &layout, 0, text);
		else
			layout_cell(out, &layout, text, width);
	}
	if (candidates->count > count)
		layout_printf(out, &layout, 0, "... and %zu more",
			      candidates->count - count);
}
