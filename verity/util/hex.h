/* SPDX-License-Identifier: MIT */
#pragma once

/* Bytes as hexadecimal text and back. */

#include <stddef.h>
#include <stdint.h>

#include "verity/util/error.h"

/**
 * verity_hex_encode - lower-case hex of @bytes
 * @ret: 2 * @count + 1 characters, 0-terminated
 */
void verity_hex_encode(const uint8_t *bytes, size_t count, char *ret);

/**
 * verity_hex_decode - the bytes that @text spells
 * @max:       room in @ret, in bytes
 * @ret_count: how many bytes were written
 *
 * Return: 0; -EINVAL where the length is odd, a character is no digit, or it is too long.
 */
int verity_hex_decode(const char *text, uint8_t *ret, size_t max,
		      size_t *ret_count) must_check;

/**
 * verity_hex_digit - the value of one digit, upper or lower case; -1 where it is none
 */
int verity_hex_digit(char digit);
