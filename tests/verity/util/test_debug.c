/* SPDX-License-Identifier: MIT */
/* The switch for debug output: off by default, one printable line a call. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"
#include "verity/util/debug.h"
#include "verity/util/error.h"

static char last[2048];
static unsigned lines;

static void keep(const char *line)
{
	snprintf(last, sizeof(last), "%s", line);
	lines++;
}

static void test_environment(void **state)
{
	static const struct {
		const char *value;
		bool wanted;
	} table[] = {
		{NULL, false}, {"", false}, {"0", false}, {"1", true}, {"yes", true}};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		unsetenv(VERITY_DEBUG_VARIABLE);
		if (table[i].value)
			setenv(VERITY_DEBUG_VARIABLE, table[i].value, 1);
		assert_int_equal(verity_debug_wanted(), table[i].wanted);
	}
	unsetenv(VERITY_DEBUG_VARIABLE);
}

static void test_off(void **state)
{
	(void)state;
	verity_debug("nothing");
	assert_int_equal(lines, 0);
}

static void test_lines(void **state)
{
	char longer[4 * VERITY_DEBUG_LINE_MAX];
	struct verity_error err;

	(void)state;
	verity_debug_start(keep);
	verity_debug("a file named %s", "\033[2J\n");
	assert_non_null(strstr(last, "] a file named ?[2J?"));
	(void)!verity_fail_errno(&err, 28, "writing");
	assert_non_null(
		strstr(last, "failed (no-room): writing: No space left on device"));
	(void)!verity_fail(NULL, VERITY_E_BUSY, "lock");
	assert_non_null(strstr(last, "failed (busy): lock"));
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	verity_debug("%s", longer);
	assert_int_equal(lines, 4);
	assert_int_equal(strlen(last) < VERITY_DEBUG_LINE_MAX + 32, true);
	verity_debug_start(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_off),
		cmocka_unit_test(test_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
