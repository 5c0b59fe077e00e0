/* SPDX-License-Identifier: MIT */
#pragma once

/* Passwords within URLs: SCHEME://USER:PASSWORD@HOST. */

#include <stddef.h>

/**
 * masked_find - the first password in @text
 * @ret_size: bytes of it; 0 where there is none
 *
 * Return: where it begins.
 */
char *masked_find(char *text, size_t *ret_size);

/**
 * masked_urls - put '*' for each byte of each password in @text; returns @text
 */
char *masked_urls(char *text);
