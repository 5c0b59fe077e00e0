/* SPDX-License-Identifier: MIT */

/* Compares words as the optimal string alignment distance does, without regard to case.
 */

#include "installer/common/similar.h"

#include <ctype.h>
#include <string.h>

#define WORD_MAX 128

static bool is_same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Characters to insert, delete, replace or exchange; WORD_MAX for a word that is longer.
 */
static size_t measure(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1] = {0};
	size_t length = strnlen(b, WORD_MAX);

	if (length == WORD_MAX || strnlen(a, WORD_MAX) == WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= length; j++)
		rows[0][j] = j;
	for (size_t i = 1; a[i - 1]; i++) {
		size_t *row = rows[i % 3];
		const size_t *above = rows[(i + 2) % 3];
		const size_t *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= length; j++) {
			row[j] = above[j - 1] + !is_same(a[i - 1], b[j - 1]);
			row[j] = least(row[j], least(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) &&
			    is_same(a[i - 2], b[j - 1]))
				row[j] = least(row[j], above2[j - 2] + 1);
		}
	}
	return rows[strlen(a) % 3][length];
}

void similar_offer(struct similar *similar, const char *word)
{
	/* All dashes ahead of a word are one error: "check" is near "--check". */
	size_t typed_dashes = strspn(similar->typed, "-"), dashes = strspn(word, "-");
	size_t distance = measure(similar->typed + typed_dashes, word + dashes);

	if (distance == 0 && typed_dashes != dashes)
		distance = 1;
	if (distance > strlen(similar->typed) / 3 ||
	    (similar->found && distance >= similar->distance))
		return;
	similar->found = word;
	similar->distance = distance;
}

bool similar_is(const char *typed, const char *word)
{
	struct similar similar = {.typed = typed};

	if (!typed[0] || strnlen(typed, WORD_MAX) == WORD_MAX)
		return false;
	similar_offer(&similar, word);
	return similar.found || strcasestr(word, typed) || strcasestr(typed, word);
}
