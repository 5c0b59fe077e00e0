/* SPDX-License-Identifier: MIT */
#pragma once

/* What an unlock statement says, before anybody vouches for it. */

#include "verity/statement/unlock.h"

struct json_object;

struct verity_unlock_text {
	char serial[VERITY_SERIAL_MAX + 1];
	unsigned allows;
	int64_t not_after; /* seconds since 1970 */
};

/**
 * verity_unlock_take - read the JSON object of an unlock statement
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT).
 */
int verity_unlock_take(struct json_object *object, struct verity_unlock_text *ret,
		       struct verity_error *err) must_check;
