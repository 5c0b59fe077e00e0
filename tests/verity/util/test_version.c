/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/check.h"
#include "verity/util/version.h"

#define ROUNDS 300000

static int sign(int r)
{
	return (r > 0) - (r < 0);
}

static void test_table(void **state)
{
	static const struct {
		const char *a, *b;
		int r;
	} table[] = {
		/* the examples of UAPI.10 */
		{"11", "11", 0},
		{"systemd-123", "systemd-123", 0},
		{"bar-123", "foo-123", -1},
		{"123a", "123", 1},
		{"123.a", "123", 1},
		{"123.a", "123.b", -1},
		{"123a", "123.a", 1},
		{"11\xce\xb1", "11\xce\xb2", 0},
		{"A", "a", -1},
		{"", "0", -1},
		{"0.", "0", 1},
		{"0.0", "0", 1},
		{"1_", "1", 0},
		{"_1", "1", 0},
		{"1_", "1.2", -1},
		{"1_2_3", "1.3.3", 1},
		{"1+", "1", 0},
		{"+1", "1", 0},
		{"1+", "1.2", -1},
		{"1+2+3", "1.3.3", 1},
		/* "~" comes before the end */
		{"0", "~", 1},
		{"", "~", 1},
		{"1.0~rc1", "1.0", -1},
		{"1.0~rc1", "1.0~rc2", -1},
		{"1.0~rc1", "1.0~~rc1", 1},
		{"~1", "~", 1},
		/* what firmware is called */
		{"5.9", "5.10", -1},
		{"5.10", "5.10.1", -1},
		{"5.26.0-rev0", "5.26.0-rev1", -1},
		{"5.26.0-rev0", "5.26.1", -1},
		{"5.26.0-9", "5.26.0.1-1", -1},
		{"v2.0", "v10.0", -1},
		{"007", "7", 0},
		{"1.0^git1", "1.0", 1},
		{"1.0^git1", "1.0.1", 1},
		{"1-1", "1^1", -1},
		{"99999999999999999999999", "100000000000000000000000", -1},
		/* separators where nothing is between them */
		{"1..1", "1.1", -1},
		{"1.-1", "1.1", -1},
		{"1--1", "1-1", -1},
		{"-.^~", "-.^~", 0},
		{"1-", "1", 1},
		{"1-", "1-", 0},
		{"0a", "a", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (sign(verity_version_compare(table[i].a, table[i].b)) != table[i].r)
			fail_msg("'%s' and '%s'", table[i].a, table[i].b);
		if (sign(verity_version_compare(table[i].b, table[i].a)) != -table[i].r)
			fail_msg("'%s' and '%s'", table[i].b, table[i].a);
	}
}

/* In exactly the memory it needs, so that ASan sees what is read beyond it. */
static char *make(unsigned *seed)
{
	static const char alphabet[] = "0019abAZ~-^._\xce";
	size_t size = (size_t)rand_r(seed) % 8;
	char *ret = malloc(size + 1);

	assert_non_null(ret);
	for (size_t i = 0; i < size; i++)
		ret[i] = alphabet[(size_t)rand_r(seed) % (sizeof(alphabet) - 1)];
	ret[size] = '\0';
	return ret;
}

/* What any order has: it comes to an end, and is the same from both sides. */
static void test_order(void **state)
{
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char *a = make(&seed), *b = make(&seed);
		int r = sign(verity_version_compare(a, b));

		if (r != -sign(verity_version_compare(b, a)))
			fail_msg("'%s' and '%s' are not ordered", a, b);
		if (verity_version_compare(a, a) != 0)
			fail_msg("'%s' is not itself", a);
		free(a);
		free(b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
