/* SPDX-License-Identifier: MIT */
#pragma once

/* The patterns of a manifest's `compatible`. */

#include <stdbool.h>

/**
 * verity_glob_match - whether a pattern of a manifest's `compatible` fits @text
 *
 * `*` any bytes, `?` one byte, `[a-z]` one of them, `[!a-z]` (or `[^a-z]`) none; the case
 * counts, nothing else is special, an unclosed `[` is itself. Takes at most the length of
 * @text times that of the pattern, squared, in steps: fnmatch() does not promise that.
 */
bool verity_glob_match(const char *pattern, const char *text);
