/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A line of the shell, split into words: blanks part them, '...' and "..." keep blanks, a
 * backslash takes what follows as it stands (within "..." only a quote or a backslash),
 * and a # ahead of a word ends the line.
 */

#include "verity/util/error.h"

#define LINE_WORDS_MAX 64

struct line {
	char *words[LINE_WORDS_MAX + 1]; /* of @bytes; ends with NULL */
	int count;
	char *bytes;  /* owned */
	size_t size;  /* of @bytes */
	size_t begin; /* where in the text the last word begins */
	bool open;    /* nothing parts the last word from the end of the text */
	char quote;   /* that is not closed at the end: ' " or \; 0: none */
	bool comment; /* a # has ended it */
};

/**
 * line_split - split @size bytes of a text
 * @ret: filled on success alone, also where a quote is left open; line_free()
 *
 * Return: 0; -EINVAL (USAGE) for too many words; -ENOMEM.
 */
int line_split(const char *text, size_t size, struct line *ret,
	       struct verity_error *err) must_check;

/**
 * line_free - also wipes what was typed, which may be a password
 */
void line_free(struct line *line);

/**
 * line_quote - a word as it has to be typed
 * @quote: the quote that it stands in; 0: none
 * @ret:   set on success alone; free()
 */
int line_quote(const char *word, char quote, char **ret,
	       struct verity_error *err) must_check;
