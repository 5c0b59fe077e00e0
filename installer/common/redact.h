/* SPDX-License-Identifier: MIT */
#pragma once

/* Passwords that must not be seen: in URLs, SCHEME://USER:PASSWORD@HOST, and in memory.
 */

#include <stddef.h>

/**
 * redact_find - the first password in @text
 * @ret_size: its bytes; 0 if there is none
 *
 * Return: where it begins.
 */
char *redact_find(char *text, size_t *ret_size);

/**
 * redact_urls - replace each byte of each password in @text by '*'; returns @text
 */
char *redact_urls(char *text);

/**
 * redact_wipe - overwrite and free a password; may be NULL
 */
void redact_wipe(char *password);
