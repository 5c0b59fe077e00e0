/* SPDX-License-Identifier: MIT */

/*
 * Splits a line into words. libedit's tokenizer (tok_str) is not used: for a line whose
 * quote is not closed, which is every line while it is typed, it returns neither its
 * words nor which quote that is; it knows no comments; and it frees passwords without
 * wiping.
 */

#include "installer/grammar/split_words.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

int line_split(const char *text, size_t size, struct line *ret, struct verity_error *err)
{
	cleanup_with(line_free) struct line line = {.begin = size, .size = size + 2};
	char *out = line.bytes = calloc(1, line.size); /* a word needs one byte more */

	if (!line.bytes)
		return verity_no_memory(err);
	for (size_t at = 0; at < size && !line.comment; at++) {
		char c = text[at];
		char next = '\0';

		if (at + 1 < size)
			next = text[at + 1];
		if (line.quote && c == line.quote) {
			line.quote = '\0';
			continue;
		}
		if (line.quote) {
			if (line.quote == '"' && c == '\\' &&
			    (next == '"' || next == '\\')) {
				c = next;
				at++;
			}
			*out++ = c;
			continue;
		}
		if (strchr(" \t\n\r", c)) {
			out += line.open; /* the 0 that ends the word is there */
			line.open = false;
			continue;
		}
		line.comment = c == '#' && !line.open;
		if (line.comment)
			continue;
		if (!line.open && line.count == LINE_WORDS_MAX)
			return verity_fail(err, VERITY_E_USAGE,
					   "over %d words in one line", LINE_WORDS_MAX);
		if (!line.open) {
			line.words[line.count++] = out;
			line.begin = at;
			line.open = true;
		}
		/* A backslash at the end is not closed, like a quote. */
		if (c == '\'' || c == '"' || (c == '\\' && at + 1 == size))
			line.quote = c;
		else if (c == '\\')
			*out++ = text[++at];
		else
			*out++ = c;
	}
	if (!line.open)
		line.begin = size;
	*ret = line;
	line.bytes = NULL;
	return 0;
}

void line_free(struct line *line)
{
	if (line->bytes)
		explicit_bzero(line->bytes, line->size);
	free(line->bytes);
	*line = (struct line){.count = 0};
}

int line_quote(const char *word, char quote, char **ret, struct verity_error *err)
{
	const char *special = quote == '"' ? "\"\\" : quote == 0 ? " \t\n\r'\"\\#?" : "";
	char *text = malloc(strlen(word) * 4 + 1);
	char *out = text;

	if (!text)
		return verity_no_memory(err);
	for (; *word; word++) {
		/* '...' cannot hold its own quote: close it, quote that one, open it. */
		if (quote == '\'' && *word == '\'')
			out = stpcpy(out, "'\\'");
		else if (strchr(special, *word))
			*out++ = '\\';
		*out++ = *word;
	}
	*out = '\0';
	*ret = text;
	return 0;
}
