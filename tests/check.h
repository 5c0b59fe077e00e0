/* SPDX-License-Identifier: MIT */
#pragma once

/* cmocka and what it needs before it, two checks that every test of errors uses, and how
 * much of very many inputs a test goes through. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verity/util/error.h"

#define check_error(err, code_, message_)                                                \
	do {                                                                             \
		assert_string_equal(verity_code_name((err)->code),                       \
				    verity_code_name(code_));                            \
		assert_string_equal((err)->message, message_);                           \
	} while (0)

#define check_ok(result, err)                                                            \
	do {                                                                             \
		if ((result) < 0)                                                        \
			fail_msg("%s", (err)->message);                                  \
	} while (0)

/**
 * check_step - the step of a loop over very many inputs
 * @sample: one in so many is tried, an odd number: whatever repeats every 2, 4 or 8
 * inputs is met
 *
 * Return: @sample; 1 in ./check long, which tries all of them.
 */
static inline unsigned check_step(unsigned sample)
{
	const char *words = getenv("WMOPKG_LONG");

	return words && !strcmp(words, "1") ? 1 : sample;
}
