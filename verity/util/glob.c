/* SPDX-License-Identifier: MIT */

/* Shell patterns with a bounded number of steps. */

#include "verity/util/glob.h"

#include <stddef.h>
#include <string.h>

/*
 * One step of the pattern that is no `*`, against one byte: what follows the step; NULL
 * where it does not fit. A `[` without its `]` stands for itself, and so does a `]` that
 * comes first.
 */
static const char *match_one(const char *pattern, unsigned char c)
{
	const char *at = pattern + 1, *first;
	bool negated = *at == '!' || *at == '^';
	bool found = false;

	if (*pattern == '?')
		return at;
	if (*pattern == '[') {
		at += negated;
		first = at;
		for (; *at && (*at != ']' || at == first); at++) {
			unsigned char low = (unsigned char)at[0], high = low;

			if (at[1] == '-' && at[2] && at[2] != ']') {
				high = (unsigned char)at[2];
				at += 2;
			}
			if (low <= c && c <= high)
				found = true;
		}
		if (*at)
			return found != negated ? at + 1 : NULL;
	}
	return (unsigned char)*pattern == c ? pattern + 1 : NULL;
}

/* Only the last `*` can be wrong about how much it took: no more to go back to. */
bool verity_glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *taken = NULL;

	while (*text) {
		const char *next = NULL;

		if (*pattern == '*') {
			star = ++pattern;
			taken = text;
			continue;
		}
		if (*pattern)
			next = match_one(pattern, (unsigned char)*text);
		if (next) {
			pattern = next;
			text++;
			continue;
		}
		if (!star)
			return false;
		pattern = star;
		text = ++taken;
	}
	return pattern[strspn(pattern, "*")] == '\0';
}
