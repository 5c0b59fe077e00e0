/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Text made to fit a terminal: measured in columns, cut with a mark, or wrapped between
 * words.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define LAYOUT_WIDTH     80 /* columns of a terminal that reports none */
#define LAYOUT_WIDTH_MIN 10 /* narrower ones are treated like this */

/* Plain data; { 0 } is a file or a pipe: as wide as it takes, UTF-8. */
struct layout {
	size_t width; /* columns; 0: no limit */
	bool ascii;   /* other characters are printed as '?' */
};

/**
 * layout_of - the layout for what a descriptor is
 *
 * A file or a pipe gets everything unchanged. A terminal called dumb, or a locale with
 * another character set than UTF-8, gets only ASCII. A locale without a character set, as
 * on a serial line of a device, does not count.
 */
struct layout layout_of(int fd);

/**
 * layout_redirect - what is written to @fd is shown on a terminal in the end
 * @fd:       0 to 2
 * @terminal: borrowed; -1: no longer
 */
void layout_redirect(int fd, int terminal);

/**
 * layout_width - columns that @text takes
 * @text: UTF-8; each other byte counts as a column
 *
 * A wide character takes two columns, a combining one none.
 */
size_t layout_width(const char *text);

/**
 * layout_cell - print @text, cut with a mark or padded with blanks to @width columns
 * @text: printable, as verity_text_plain() makes it
 */
void layout_cell(FILE *out, const struct layout *layout, const char *text, size_t width);

/**
 * layout_repeat - print @text @count times
 */
void layout_repeat(FILE *out, const char *text, size_t count);

/* The usual @indent of a message. */
#define LAYOUT_INDENT 2

/**
 * layout_print - print @text and a newline, wrapped between words
 * @indent: columns left free in all lines but the first
 * @text:   leading blanks are kept; what could control a terminal is printed as '?'
 *
 * A word that is longer than a line is broken. If the indent would take half of the line,
 * it is made smaller.
 */
void layout_print(FILE *out, const struct layout *layout, size_t indent,
		  const char *text);

/**
 * layout_put - the same without the newline, as a question has none
 */
void layout_put(FILE *out, const struct layout *layout, size_t indent, const char *text);

/**
 * layout_printf - the same, formatted; at most 4095 bytes
 */
void layout_printf(FILE *out, const struct layout *layout, size_t indent,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
