/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>

#include "installer/receive/block_plan.h"

#define BLOCKS_MAX 64

/* A digest for each letter; the table wants only its first bytes. */
static void digest_of(char letter, uint8_t ret[static VERITY_DIGEST_BYTES])
{
	memset(ret, letter * 37, VERITY_DIGEST_BYTES);
}

static struct block_plan *plan_of(const char *wanted, const char *had)
{
	struct block_plan *plan;
	uint8_t digest[VERITY_DIGEST_BYTES];
	struct verity_error err;

	check_ok(block_plan_new((uint32_t)strlen(wanted), &plan, &err), &err);
	for (uint32_t i = 0; wanted[i]; i++) {
		digest_of(wanted[i], digest);
		block_plan_want(plan, i, digest);
	}
	block_plan_sort(plan);
	for (uint32_t i = 0; had[i]; i++) {
		digest_of(had[i], digest);
		block_plan_have(plan, i, digest);
	}
	return plan;
}

/* "3 to fetch: 0-2@5 2-5": first-end, and the place of what is copied */
static void show(const struct block_plan *plan, size_t count, char ret[static 256])
{
	struct block_run run;
	int used = snprintf(ret, 256, "%u to fetch:", block_plan_missing(plan, 0));

	for (uint32_t first = 0; first < count; first = run.end) {
		run = block_plan_run(plan, first, UINT32_MAX);
		assert_int_equal(run.first, first);
		assert_true(run.end > first && run.end <= count);
		used += snprintf(ret + used, 256 - (size_t)used, " %u-%u", run.first,
				 run.end);
		if (run.place != BLOCK_NOWHERE)
			used += snprintf(ret + used, 256 - (size_t)used, "@%u",
					 run.place);
	}
}

static void test_runs(void **state)
{
	static const struct {
		const char *wanted, *had;
		uint32_t gap, parts_max;
		unsigned percent;
		const char *expected;
	} cases[] = {
		{"a", "", 0, 1, 5, "1 to fetch: 0-1"},
		{"a", "a", 0, 1, 5, "0 to fetch: 0-1@0"},
		{"abcd", "abcd", 0, 9, 5, "0 to fetch: 0-4@0"},
		{"abcd", "xyz", 0, 9, 5, "4 to fetch: 0-4"},
		/* moved */
		{"abcd", "--abcd", 0, 9, 5, "0 to fetch: 0-4@2"},
		{"abcd", "cdab", 0, 9, 5, "0 to fetch: 0-2@2 2-4@0"},
		{"abXcd", "abcd", 0, 9, 5, "1 to fetch: 0-2@0 2-3 3-5@2"},
		/* the same block several times, on either side */
		{"aaXaa", "a", 0, 9, 5, "1 to fetch: 0-1@0 1-2@0 2-3 3-4@0 4-5@0"},
		{"abc", "aaabbbccc", 0, 9, 5, "0 to fetch: 0-1@0 1-2@3 2-3@6"},
		/* short gaps are fetched, but not at the ends */
		{"XabX", "ab", 2, 9, 5, "2 to fetch: 0-1 1-3@0 3-4"},
		{"XabX", "ab", 3, 9, 0, "4 to fetch: 0-4"},
		{"abXXcd", "abcd", 3, 9, 5, "2 to fetch: 0-2@0 2-4 4-6@2"},
		{"abXcXcdefg", "abcdefg", 2, 9, 5, "3 to fetch: 0-2@0 2-5 5-10@2"},
		{"aXaXaXbcd", "abcd", 2, 9, 5, "5 to fetch: 0-1@0 1-6 6-9@1"},
		/* too many parts: larger gaps */
		{"XaXabXabcX", "abc", 1, 4, 5,
		 "4 to fetch: 0-1 1-2@0 2-3 3-5@0 5-6 6-9@0 9-10"},
		{"XaXabXabcX", "abc", 1, 3, 5, "5 to fetch: 0-3 3-5@0 5-6 6-9@0 9-10"},
		{"XaXabXabcX", "abc", 1, 1, 0, "10 to fetch: 0-10"},
		/* too few to be worth it */
		{"abXXXXXXXX", "ab", 0, 9, 20, "8 to fetch: 0-2@0 2-10"},
		{"abXXXXXXXX", "ab", 0, 9, 21, "10 to fetch: 0-10"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct block_plan *plan = plan_of(cases[i].wanted, cases[i].had);
		char shown[256];

		block_plan_close(plan, cases[i].gap, cases[i].parts_max,
				 cases[i].percent);
		show(plan, strlen(cases[i].wanted), shown);
		assert_string_equal(shown, cases[i].expected);
		block_plan_free(plan);
	}
}

static void test_lost(void **state)
{
	struct block_plan *plan = plan_of("abcdef", "abcdef");
	char shown[256];

	(void)state;
	block_plan_close(plan, 0, 9, 5);
	block_plan_lose(plan, 2, 4);
	show(plan, 6, shown);
	assert_string_equal(shown, "2 to fetch: 0-2@0 2-4 4-6@4");
	assert_int_equal(block_plan_missing(plan, 3), 1);
	block_plan_free(plan);
}

/* An image of one block over and over, and a file that is the same: no work for each
 * pair. */
static void test_work(void **state)
{
	struct block_plan *plan;
	struct verity_error err;
	uint8_t digest[VERITY_DIGEST_BYTES] = {7};

	(void)state;
	check_ok(block_plan_new(BLOCK_PLAN_MAX, &plan, &err), &err);
	for (uint32_t i = 0; i < BLOCK_PLAN_MAX; i++)
		block_plan_want(plan, i, digest);
	block_plan_sort(plan);
	for (uint32_t i = 0; i < BLOCK_PLAN_MAX; i++)
		block_plan_have(plan, i, digest);
	block_plan_close(plan, 8, 256, 5);
	assert_int_equal(block_plan_missing(plan, 0), 0);
	assert_int_equal(block_plan_run(plan, BLOCK_PLAN_MAX - 1, 1).place, 0);
	block_plan_free(plan);
}

/* A file that is the same, copied in pieces: no piece looks at all that come after it,
 * which takes minutes. */
static void test_pieces(void **state)
{
	uint8_t digest[VERITY_DIGEST_BYTES] = {0};
	struct block_plan *plan;
	struct verity_error err;

	(void)state;
	check_ok(block_plan_new(BLOCK_PLAN_MAX, &plan, &err), &err);
	for (uint32_t i = 0; i < BLOCK_PLAN_MAX; i++) {
		memcpy(digest, &i, sizeof(i));
		block_plan_want(plan, i, digest);
	}
	block_plan_sort(plan);
	for (uint32_t i = 0; i < BLOCK_PLAN_MAX; i++) {
		memcpy(digest, &i, sizeof(i));
		block_plan_have(plan, i, digest);
	}
	block_plan_close(plan, 8, 256, 5);
	for (uint32_t first = 0; first < BLOCK_PLAN_MAX; first += 16) {
		struct block_run run = block_plan_run(plan, first, 16);

		assert_int_equal(run.end, first + 16);
		assert_int_equal(run.place, first);
	}
	block_plan_free(plan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_work),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
