/* SPDX-License-Identifier: MIT */
/* Widths of characters, cutting and wrapping. */
#include "installer/common/layout.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "installer/common/width.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define LINE_BYTES 4096

static int terminals[3] = {-1, -1, -1}; /* by descriptor; see layout_redirect() */

void layout_redirect(int fd, int terminal)
{
	terminals[fd] = terminal;
}

struct layout layout_of(int fd)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
	struct layout layout = {.width = LAYOUT_WIDTH};
	const char *terminal = getenv("TERM");
	const char *locale = NULL, *charset;
	struct winsize size = {0};

	if (fd >= 0 && fd <= STDERR_FILENO && terminals[fd] >= 0)
		fd = terminals[fd];
	if (!isatty(fd))
		return (struct layout){0};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!locale || !locale[0])
			locale = getenv(names[i]);
	charset = locale ? strchr(locale, '.') : NULL; /* with the dot */
	if (ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col)
		layout.width =
			size.ws_col < LAYOUT_WIDTH_MIN ? LAYOUT_WIDTH_MIN : size.ws_col;
	layout.ascii = (terminal && strcmp(terminal, "dumb") == 0) ||
		       (charset && strncasecmp(charset, ".utf-8", 6) != 0 &&
			strncasecmp(charset, ".utf8", 5) != 0);
	return layout;
}

/* Columns of the character at @text; a byte that begins none is one column. */
static size_t character_width(const char *text, size_t *ret_bytes)
{
	uint32_t character;

	*ret_bytes =
		verity_text_decode(text, strnlen(text, VERITY_TEXT_BYTES), &character);
	if (*ret_bytes > 0)
		return width_of(character);
	*ret_bytes = 1;
	return 1;
}

/* The longest beginning of @text of at most @width columns; returns its columns. */
static size_t fit(const char *text, size_t bytes_max, size_t width, size_t *ret_bytes)
{
	size_t used = 0;
	size_t bytes;

	for (*ret_bytes = 0; *ret_bytes < bytes_max; *ret_bytes += bytes) {
		size_t next = used + character_width(text + *ret_bytes, &bytes);

		if (next > width)
			break;
		used = next;
	}
	return used;
}

size_t layout_width(const char *text)
{
	size_t bytes;

	return fit(text, strlen(text), SIZE_MAX, &bytes);
}

void layout_repeat(FILE *out, const char *text, size_t count)
{
	while (count--)
		fputs(text, out);
}

static void put(FILE *out, const struct layout *layout, const char *text, size_t size)
{
	size_t bytes;

	if (!layout->ascii) {
		fwrite(text, 1, size, out);
		return;
	}
	for (size_t i = 0; i < size; i += bytes) {
		size_t width = character_width(text + i, &bytes);

		if (bytes == 1 && (text[i] & 0x80) == 0)
			fputc(text[i], out);
		else
			layout_repeat(out, "?", width);
	}
}

void layout_cell(FILE *out, const struct layout *layout, const char *text, size_t width)
{
	const char *mark = layout->ascii ? "..." : "…";
	size_t mark_width = layout_width(mark);
	size_t bytes = strlen(text);
	size_t used = layout_width(text);

	if (used > width) {
		used = width < mark_width ? 0 : width - mark_width;
		used = fit(text, bytes, used, &bytes);
		put(out, layout, text, bytes);
		fputs(width < mark_width ? "" : mark, out);
		used += width < mark_width ? 0 : mark_width;
	} else {
		put(out, layout, text, bytes);
	}
	layout_repeat(out, " ", width - used);
}

/* Where the next character goes. */
struct cursor {
	FILE *out;
	const struct layout *layout;
	size_t indent;
	size_t column;
	bool begun; /* there is something on the line */
};

static void start_line(struct cursor *cursor)
{
	fputc('\n', cursor->out);
	layout_repeat(cursor->out, " ", cursor->indent);
	cursor->column = cursor->indent;
	cursor->begun = false;
}

/* @gap: blanks ahead of it, where it is not the first of its line */
static void put_word(struct cursor *cursor, size_t gap, const char *word, size_t bytes)
{
	size_t taken;
	size_t room = cursor->layout->width;
	size_t width = fit(word, bytes, SIZE_MAX, &taken);

	/* A word that fits no line may begin here. */
	if (cursor->begun && cursor->column + gap + width > room &&
	    (cursor->indent + width <= room || cursor->column + gap + 2 > room))
		start_line(cursor);
	if (cursor->begun) {
		layout_repeat(cursor->out, " ", gap);
		cursor->column += gap;
	}
	while (bytes) {
		width = fit(word, bytes, room - cursor->column, &taken);
		if (taken == 0) {
			start_line(cursor);
			continue;
		}
		put(cursor->out, cursor->layout, word, taken);
		cursor->column += width;
		word += taken;
		bytes -= taken;
	}
	cursor->begun = true;
}

/* At least two columns of a line are used: no character is wider. */
static void put_wrapped(struct cursor *cursor, const char *text)
{
	size_t half = cursor->layout->width / 2;
	size_t blanks = strspn(text, " ");

	if (cursor->indent > half)
		cursor->indent = cursor->layout->width / 8;
	cursor->column = blanks > half ? 0 : blanks;
	layout_repeat(cursor->out, " ", cursor->column);
	for (text += blanks; *text; text += blanks) {
		size_t bytes = strcspn(text, " ");

		put_word(cursor, blanks, text, bytes);
		text += bytes;
		blanks = strspn(text, " ");
	}
}

void layout_put(FILE *out, const struct layout *layout, size_t indent, const char *text)
{
	char small[LINE_BYTES], *plain = small;
	cleanup_free char *large = NULL;
	struct cursor cursor = {.out = out, .layout = layout, .indent = indent};

	if (strlen(text) < sizeof(small))
		strcpy(small, text);
	else if ((large = strdup(text)))
		plain = large;
	else
		strcpy(small, "out of memory");
	verity_text_plain(plain);
	if (layout->width && layout_width(plain) > layout->width)
		put_wrapped(&cursor, plain);
	else
		put(out, layout, plain, strlen(plain));
}

void layout_print(FILE *out, const struct layout *layout, size_t indent, const char *text)
{
	layout_put(out, layout, indent, text);
	fputc('\n', out);
}

void layout_printf(FILE *out, const struct layout *layout, size_t indent,
		   const char *format, ...)
{
	char text[LINE_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	layout_print(out, layout, indent, text);
}
