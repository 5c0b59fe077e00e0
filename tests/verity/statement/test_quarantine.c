/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/statement/quarantine.h"

static void test_holds(void **state)
{
	static const uint8_t ids[3][VERITY_DIGEST_BYTES] = {{1}, {2}, {[31] = 3}};
	static const uint8_t others[][VERITY_DIGEST_BYTES] = {
		{0}, {3}, {1, 1}, {[31] = 2}, {1, [31] = 1}};
	const struct verity_quarantine quarantine = {ids, 3};
	const struct verity_quarantine first = {ids, 1};
	const struct verity_quarantine empty = {NULL, 0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_true(verity_quarantine_holds(&quarantine, ids[i]));
		assert_int_equal(verity_quarantine_holds(&first, ids[i]), i == 0);
		assert_false(verity_quarantine_holds(&empty, ids[i]));
		assert_false(verity_quarantine_holds(NULL, ids[i]));
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(verity_quarantine_holds(&quarantine, others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_holds)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
