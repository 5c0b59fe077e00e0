/* SPDX-License-Identifier: MIT */
#include "installer/grammar/split_words.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* What is read, and what is made of it; each byte gives one at the most. */
struct reader {
	const char *text;
	size_t size, at;
	struct line *line;
	size_t used;
	bool in_word;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static int begin_word(struct reader *reader, struct verity_error *err)
{
	struct line *line = reader->line;

	if (reader->in_word)
		return 0;
	if (line->count == LINE_WORDS_MAX)
		return verity_fail(err, VERITY_E_USAGE, "over %d words in one line",
				   LINE_WORDS_MAX);
	reader->in_word = true;
	line->begin = reader->at;
	line->words[line->count++] = line->bytes + reader->used;
	return 0;
}

static void end_word(struct reader *reader)
{
	if (reader->in_word)
		reader->line->bytes[reader->used++] = '\0';
	reader->in_word = false;
}

static void put(struct reader *reader, char c)
{
	reader->line->bytes[reader->used++] = c;
}

/* Within quotes; the byte is not the one that closes them. */
static void put_quoted(struct reader *reader, char c)
{
	char next = '\0';

	if (reader->at + 1 < reader->size)
		next = reader->text[reader->at + 1];
	if (reader->line->quote == '"' && c == '\\' && (next == '"' || next == '\\')) {
		reader->at++;
		c = next;
	}
	put(reader, c);
}

static int take(struct reader *reader, char c, struct verity_error *err)
{
	struct line *line = reader->line;
	int r;

	if (line->quote) {
		if (c == line->quote)
			line->quote = '\0';
		else
			put_quoted(reader, c);
		return 0;
	}
	if (is_blank(c)) {
		end_word(reader);
		return 0;
	}
	if (c == '#' && !reader->in_word) {
		line->comment = true;
		reader->at = reader->size;
		return 0;
	}
	r = begin_word(reader, err);
	if (r < 0)
		return r;
	/* A backslash that nothing follows is left open, as a quote is. */
	if (c == '\'' || c == '"' || (c == '\\' && reader->at + 1 == reader->size)) {
		line->quote = c;
		return 0;
	}
	if (c == '\\')
		c = reader->text[++reader->at];
	put(reader, c);
	return 0;
}

static void line_free_p(struct line *line)
{
	line_free(line);
}

int line_split(const char *text, size_t size, struct line *ret, struct verity_error *err)
{
	cleanup_with(line_free_p) struct line line = {.begin = size};
	struct reader reader = {.text = text, .size = size, .line = &line};

	/* Each word takes a 0 more than it has bytes, in the place of what ends it. */
	line.size = size + 2;
	line.bytes = calloc(1, line.size);
	if (!line.bytes)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (; reader.at < size; reader.at++) {
		int r = take(&reader, text[reader.at], err);

		if (r < 0)
			return r;
	}
	line.open = reader.in_word;
	if (!line.open)
		line.begin = size;
	end_word(&reader);
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

static bool is_special(char c, char quote)
{
	if (quote == '"')
		return c == '"' || c == '\\';
	return !quote && strchr(" \t\n\r'\"\\#?", c);
}

int line_quote(const char *word, char quote, char **ret, struct verity_error *err)
{
	/* Within '...' nothing can be quoted, so that is left and entered again. */
	size_t most = strlen(word) * 4 + 1;
	char *text = malloc(most);
	char *at = text;

	if (!text)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (; *word; word++) {
		if (quote == '\'' && *word == '\'') {
			at = stpcpy(at, "'\\''");
			continue;
		}
		if (is_special(*word, quote))
			*at++ = '\\';
		*at++ = *word;
	}
	*at = '\0';
	*ret = text;
	return 0;
}
