/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/util/hex.h"

static void test_encode(void **state)
{
	static const uint8_t bytes[] = {0x00, 0x9a, 0xff};
	char text[7];

	(void)state;
	verity_hex_encode(bytes, sizeof(bytes), text);
	assert_string_equal(text, "009aff");
	verity_hex_encode(bytes, 0, text);
	assert_string_equal(text, "");
}

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		int result;
		size_t count;
		uint8_t first;
	} cases[] = {
		{"", 0, 0, 0xee},      {"00", 0, 1, 0x00},          {"9AfF", 0, 2, 0x9a},
		{"0", -1, 0, 0xee},    {"0g", -1, 0, 0xee},         {"g0", -1, 0, 0xee},
		{"00112233", 0, 4, 0}, {"0011223344", -1, 0, 0xee}, {" 0", -1, 0, 0xee},
		{"0x", -1, 0, 0xee},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint8_t bytes[4] = {0xee, 0xee, 0xee, 0xee};
		size_t count = 99;
		int r = verity_hex_decode(cases[i].text, bytes, sizeof(bytes), &count);

		assert_int_equal(r < 0, cases[i].result < 0);
		assert_int_equal(count, r < 0 ? 99 : cases[i].count);
		assert_int_equal(bytes[0], cases[i].first);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_decode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
