/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/grammar/split_words.h"
#include "tests/fuzz/fuzz.h"

/* A word is read back as it was, however it has to be typed. */
static void check_word(const char *word)
{
	static const char quotes[] = {0, '\'', '"'};

	for (size_t i = 0; i < sizeof(quotes); i++) {
		struct line line;
		char *quoted, *text;

		if (line_quote(word, quotes[i], &quoted, NULL) < 0)
			return;
		if (asprintf(&text, "%.1s%s%.1s", &quotes[i], quoted, &quotes[i]) < 0)
			abort();
		free(quoted);
		if (line_split(text, strlen(text), &line, NULL) == 0) {
			require(line.count == (word[0] || quotes[i] ? 1 : 0));
			require(line.count == 0 || strcmp(line.words[0], word) == 0);
			line_free(&line);
		}
		free(text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct line line;

	/* What was typed has no 0 in it. */
	if (memchr(bytes, 0, size) ||
	    line_split((const char *)bytes, size, &line, NULL) < 0)
		return 0;
	require(line.begin <= size);
	for (int i = 0; i < line.count; i++)
		check_word(line.words[i]);
	line_free(&line);
	return 0;
}
