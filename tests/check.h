/* SPDX-License-Identifier: MIT */
#pragma once

/* cmocka and what it needs before it, and two checks that every test of errors uses. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
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
