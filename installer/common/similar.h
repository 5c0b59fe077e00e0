/* SPDX-License-Identifier: MIT */
#pragma once

/* Which known word somebody may have meant who typed another one. */

#include <stdbool.h>
#include <stddef.h>

/* A search for the word that is most similar. */
struct similar {
	const char *typed; /* borrowed, like the next */
	const char *found; /* NULL: none is similar */
	size_t distance;   /* of .found */
};

/**
 * similar_offer - compare with one more word
 * @word: borrowed as long as @similar is used
 *
 * Similar is what a few typing errors make of it: one for three characters.
 */
void similar_offer(struct similar *similar, const char *word);

/**
 * similar_is - whether one is a part of the other, or a few typing errors away from it
 */
bool similar_is(const char *typed, const char *word);
