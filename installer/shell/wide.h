/* SPDX-License-Identifier: MIT */
#pragma once

/* UTF-8 and the wide characters of libedit, without a locale. */

#include <stddef.h>
#include <wchar.h>

/**
 * shell_wide_encode - @count characters in UTF-8
 *
 * Return: 0-terminated, free(); NULL: out of memory.
 */
char *shell_wide_encode(const wchar_t *text, size_t count);

/**
 * shell_wide_decode - the characters of UTF-8 text; a byte that is none becomes '?'
 *
 * Return: 0-terminated, free(); NULL: out of memory.
 */
wchar_t *shell_wide_decode(const char *text);
