/* SPDX-License-Identifier: MIT */
#pragma once

/* What json-c lets pass and two readers could take differently; for json_value.c. */

#include "verity/util/error.h"

#include <stddef.h>

/**
 * verity_json_check_keys - whether no object of a JSON text says a key twice
 * @text: strict JSON, as json-c has accepted it already
 *
 * A key with a NUL in it, which C would cut short, is refused as well.
 *
 * Return: 0; -EBADMSG (BAD_MANIFEST) with the key in the message; -ENOMEM.
 */
int verity_json_check_keys(const char *text, size_t size,
			   struct verity_error *err) must_check;
