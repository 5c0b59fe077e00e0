/* SPDX-License-Identifier: MIT */
#pragma once

/* Passwords within URLs: SCHEME://USER:PASSWORD@HOST. */

#include <stddef.h>

/**
 * redact_find - the first password in @text
 * @ret_size: bytes of it; 0 where there is none
 *
 * Return: where it begins.
 */
char *redact_find(char *text, size_t *ret_size);

/**
 * redact_urls - put '*' for each byte of each password in @text; returns @text
 */
char *redact_urls(char *text);
