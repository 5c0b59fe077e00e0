/* SPDX-License-Identifier: MIT */

/* Shell patterns with a bounded number of steps. */

#include "verity/util/glob.h"

#include <stddef.h>
#include <string.h>

/*
 * Whether @set, which follows a `[`, holds @c. Returns what follows its `]`; NULL where
 * there is none. A `]` that comes first stands for itself.
 */
static const char *match_set(const char *set, unsigned char c, bool *ret)
{
	bool negated = *set == '!' || *set == '^';
	const char *first, *at;
	bool found = false;

	if (negated)
		set++;
	first = set;
	for (at = set; *at && (*at != ']' || at == first); at++) {
		unsigned char low = (unsigned char)at[0], high = low;

		if (at[1] == '-' && at[2] && at[2] != ']') {
			high = (unsigned char)at[2];
			at += 2;
		}
		if (low <= c && c <= high)
			found = true;
	}
	if (!*at)
		return NULL;
	*ret = found != negated;
	return at + 1;
}

/* One step of the pattern that is no `*`, against one byte; NULL where it does not fit.
 */
static const char *match_one(const char *pattern, unsigned char c)
{
	const char *after = NULL;
	bool fits = false;

	if (*pattern == '?')
		return pattern + 1;
	if (*pattern == '[')
		after = match_set(pattern + 1, c, &fits);
	if (after)
		return fits ? after : NULL;
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
