/* SPDX-License-Identifier: MIT */
#include "installer/table.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <wchar.h>

#define GAP      2 /* blanks between columns */
#define ELLIPSIS "…"

/* The character at @text, which is sound UTF-8; @ret_bytes is what it takes. */
static wchar_t decode(const char *text, size_t *ret_bytes)
{
	const unsigned char *bytes = (const unsigned char *)text;
	size_t count = bytes[0] < 0x80   ? 1
		       : bytes[0] < 0xe0 ? 2
		       : bytes[0] < 0xf0 ? 3
					 : 4;
	uint32_t character = count == 1 ? bytes[0] : bytes[0] & (0x7fU >> count);

	for (size_t i = 1; i < count && bytes[i]; i++)
		character = character << 6 | (bytes[i] & 0x3f);
	*ret_bytes = strnlen(text, count);
	return (wchar_t)character;
}

/* Without a UTF-8 locale wcwidth() knows ASCII alone; then a character is a column. */
static size_t character_width(wchar_t character)
{
	int width = wcwidth(character);

	return width < 0 ? 1 : (size_t)width;
}

static size_t text_width(const char *text)
{
	size_t width = 0;
	size_t bytes;

	for (; *text; text += bytes)
		width += character_width(decode(text, &bytes));
	return width;
}

/* The longest beginning of @text that takes @width columns at most; how many it takes. */
static size_t fit(const char *text, size_t width, size_t *ret_bytes)
{
	size_t used = 0;
	size_t bytes;

	for (*ret_bytes = 0; text[*ret_bytes]; *ret_bytes += bytes) {
		size_t next = used + character_width(decode(text + *ret_bytes, &bytes));

		if (next > width)
			break;
		used = next;
	}
	return used;
}

static void print_repeated(FILE *out, const char *text, size_t count)
{
	while (count--)
		fputs(text, out);
}

static void print_cell(FILE *out, const char *text, size_t width)
{
	size_t needed = text_width(text);
	size_t bytes;

	if (needed <= width) {
		fputs(text, out);
	} else if (width > 0) {
		needed = fit(text, width - 1, &bytes) + 1;
		fwrite(text, 1, bytes, out);
		fputs(ELLIPSIS, out);
	} else {
		needed = 0;
	}
	print_repeated(out, " ", width - needed);
}

static void measure(const char *const *cells, size_t columns, size_t rows, size_t *ret)
{
	memset(ret, 0, columns * sizeof(*ret));
	for (size_t i = 0; i < rows * columns; i++) {
		size_t width = text_width(cells[i]);

		if (width > ret[i % columns])
			ret[i % columns] = width;
	}
}

/* The last column takes what the frame leaves it. */
static size_t fit_last(size_t *widths, size_t columns, size_t width_max)
{
	size_t before = GAP * (columns - 1);
	size_t inner;

	for (size_t i = 0; i + 1 < columns; i++)
		before += widths[i];
	inner = before + widths[columns - 1];
	if (width_max && inner + 2 > width_max)
		inner = width_max < 2 ? 0 : width_max - 2;
	if (inner < TABLE_WIDTH - 2 && (!width_max || width_max >= TABLE_WIDTH))
		inner = TABLE_WIDTH - 2;
	if (inner < before)
		inner = before;
	widths[columns - 1] = inner - before;
	return inner;
}

void table_print(FILE *out, const char *title, const char *const *cells, size_t columns,
		 size_t rows, size_t width_max)
{
	size_t widths[TABLE_COLUMNS_MAX];
	size_t inner, used;

	assert(columns >= 1 && columns <= TABLE_COLUMNS_MAX);
	measure(cells, columns, rows, widths);
	inner = fit_last(widths, columns, width_max);
	used = text_width(title) + 2;

	fprintf(out, "╒ %s ", title);
	print_repeated(out, "═", inner > used ? inner - used : 0);
	fputs("╕\n", out);
	for (size_t row = 0; row < rows; row++) {
		fputs("│", out);
		for (size_t i = 0; i < columns; i++) {
			print_cell(out, cells[row * columns + i], widths[i]);
			print_repeated(out, " ", i + 1 < columns ? GAP : 0);
		}
		fputs("│\n", out);
	}
	fputs("└", out);
	print_repeated(out, "─", inner);
	fputs("┘\n", out);
}
