/* SPDX-License-Identifier: MIT */
#include "installer/shell/columns.h"

#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"

#define GAP 2

static const char *shown(const struct candidate *candidate)
{
	const char *text = candidate->text;

	for (const char *slash = strchr(text, '/'); slash && slash[1];
	     slash = strchr(text, '/'))
		text = slash + 1;
	return text;
}

static size_t widest_of(const struct candidates *candidates, size_t count)
{
	size_t widest = 0;

	for (size_t i = 0; i < count; i++) {
		size_t width = layout_width(shown(&candidates->items[i]));

		if (width > widest)
			widest = width;
	}
	return widest;
}

/* Rows are read like lines, as people do with so few. */
void shell_columns_print(FILE *out, const struct candidates *candidates)
{
	const struct layout layout = layout_of(fileno(out));
	size_t count = candidates->count < SHELL_COLUMNS_MAX ? candidates->count
							     : SHELL_COLUMNS_MAX;
	size_t width = widest_of(candidates, count) + GAP;
	size_t columns = layout.width / width ? layout.width / width : 1;

	for (size_t i = 0; i < count; i++) {
		const char *text = shown(&candidates->items[i]);
		bool last = i % columns == columns - 1 || i + 1 == count;

		if (last)
			layout_print(out, &layout, 0, text);
		else
			layout_cell(out, &layout, text, width);
	}
	if (candidates->count > count)
		layout_printf(out, &layout, 0, "... and %zu more",
			      candidates->count - count);
}
