/* SPDX-License-Identifier: MIT */
#pragma once

#include <stdbool.h>

/**
 * verity_glob_match - whether a pattern of a manifest's `compatible` fits @text
 *
 * `*` any bytes, `?` one byte, `[a-z]` one of them, `[!a-z]` none of them; the case
 * counts, nothing else is special, an unclosed `[` is itself. Takes at most the product
 * of both lengths in steps, whatever the pattern: fnmatch() does not promise that.
 */
bool verity_glob_match(const char *pattern, const char *text);
