/* SPDX-License-Identifier: MIT */
/* Halves the line of layers until the one is found that makes the stack fail. */
#include "overlay/stack/search.h"

#include <string.h>

/* Those before @good that are left out are found; the others before it can be stacked. */
static bool try(struct overlay_search *search, size_t good, size_t end)
{
	for (size_t i = good; i < search->count; i++)
		search->left_out[search->line[i]] = i >= end;
	return search->try(search->context);
}

bool overlay_search_run(struct overlay_search *search)
{
	unsigned tries = 1;
	size_t good = 0;

	if (!try(search, 0, 0)) {
		for (size_t i = 0; i < search->count; i++)
			search->left_out[search->line[i]] = false;
		return false;
	}
	/* All that is left was tried, and failed. */
	while (good < search->count) {
		size_t works = good, fails = search->count;

		while (fails - works > 1 && tries < OVERLAY_SEARCH_TRIES) {
			size_t middle = works + (fails - works) / 2;

			tries++;
			if (try(search, good, middle))
				works = middle;
			else
				fails = middle;
		}
		for (size_t i = good; i < search->count; i++)
			search->left_out[search->line[i]] = i >= works;
		good = fails;
		if (fails - works > 1 || tries == OVERLAY_SEARCH_TRIES)
			return true;
		tries++;
		if (good == search->count || try(search, good, search->count))
			return true;
	}
	return true;
}
