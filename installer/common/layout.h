/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What text is printed on, and text made to fit it: measured in the columns that a
 * terminal gives its characters, cut with a mark, or wrapped between words.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define LAYOUT_WIDTH     80 /* columns of a terminal that does not know how many it has */
#define LAYOUT_WIDTH_MIN 10 /* as narrow as is reckoned with */

/* Plain data; { 0 } is a file or a pipe: as wide as it takes, UTF-8. */
struct layout {
	size_t width; /* columns; 0: no limit */
	bool ascii;   /* other characters are printed as '?' */
};

/**
 * layout_of - what a descriptor leads to
 *
 * What is no terminal gets all, as it is. A terminal that is called dumb, or whose locale
 * names another character set than UTF-8, gets ASCII alone; a locale that names none says
 * nothing of the terminal: on a device it is that of a serial line.
 */
struct layout layout_of(int fd);

/**
 * layout_width - columns that @text takes
 * @text: UTF-8; of what is not, each byte counts as a column
 *
 * A wide character takes two columns, a combining one none.
 */
size_t layout_width(const char *text);

/**
 * layout_cell - print @text, cut with a mark or filled up with blanks to @width columns
 * @text: printable, as verity_text_plain() makes it
 */
void layout_cell(FILE *out, const struct layout *layout, const char *text, size_t width);

/**
 * layout_print - print @text and a newline, wrapped between words
 * @indent: columns left free in all lines but the first
 * @text:   leading blanks are kept; what could steer a terminal is printed as '?'
 *
 * A word that is longer than a line is broken where it stands. Where half the line would
 * be indent, only a little is left free.
 */
void layout_print(FILE *out, const struct layout *layout, size_t indent,
		  const char *text);

/**
 * layout_printf - the same, formatted; at most 4095 bytes
 */
void layout_printf(FILE *out, const struct layout *layout, size_t indent,
		   const char *format, ...) __attribute__((format(printf, 4, 5)));
