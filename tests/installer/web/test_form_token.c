/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "installer/web/form_token.h"

static const uint8_t secret[TOKEN_SECRET_BYTES] = "0123456789abcdef0123456789abcde";
static const uint8_t other[TOKEN_SECRET_BYTES] = "0123456789abcdef0123456789abcdf";

static void test_token(void **state)
{
	char token[TOKEN_TEXT_MAX], wrong[TOKEN_TEXT_MAX + 1];
	struct verity_error err;

	(void)state;
	check_ok(token_make(secret, "admin", 1000, token, &err), &err);
	assert_true(token_check(secret, "admin", 1000, token));
	assert_true(token_check(secret, "admin", 1000 + TOKEN_SECONDS - 1, token));
	/* too old; of another user, boot; from a time to come */
	assert_false(token_check(secret, "admin", 1000 + TOKEN_SECONDS, token));
	assert_false(token_check(secret, "admim", 1000, token));
	assert_false(token_check(secret, "", 1000, token));
	assert_false(token_check(other, "admin", 1000, token));
	assert_false(token_check(secret, "admin", 999, token));
	for (size_t i = 0; i < strlen(token); i++) {
		strcpy(wrong, token);
		wrong[i] ^= 1;
		assert_false(token_check(secret, "admin", 1000, wrong));
		wrong[i] = '\0';
		assert_false(token_check(secret, "admin", 1000, wrong));
	}
	snprintf(wrong, sizeof(wrong), "%s0", token);
	assert_false(token_check(secret, "admin", 1000, wrong));
	assert_false(token_check(secret, "admin", 1000, ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
