/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Splits a line of the shell into words: blanks separate them, '...' and "..." keep
 * blanks, a backslash quotes the next character (within "..." only a quote or a
 * backslash), and a # at the start of a word begins a comment.
 */

#include "verity/util/error.h"

#define LINE_WORDS_MAX 64

struct line {
	char *words[LINE_WORDS_MAX + 1]; /* of @bytes; ends with NULL */
	int count;
	char *bytes;  /* owned */
	size_t size;  /* of @bytes */
	size_t begin; /* offset of the last word in the text */
	bool open;    /* the last word reaches the end of the text */
	char quote;   /* not closed at the end: ' " or \; 0: none */
	bool comment; /* ended by a # */
};

/**
 * line_split - split @size bytes of a text
 * @ret: filled on success only, also where a quote is not closed; line_free()
 *
 * Return: 0; -EINVAL (USAGE) for too many words; -ENOMEM.
 */
int line_split(const char *text, size_t size, struct line *ret,
	       struct verity_error *err) must_check;

/**
 * line_free - wipe and free; the line may hold a password
 */
void line_free(struct line *line);

/**
 * line_quote - a word as it has to be typed
 * @quote: the quote that the word stands in; 0: none
 * @ret:   set on success only; free()
 */
int line_quote(const char *word, char quote, char **ret,
	       struct verity_error *err) must_check;
