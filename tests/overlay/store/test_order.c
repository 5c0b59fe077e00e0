/* SPDX-License-Identifier: MIT */
#include "overlay/store/order.h"
#include "tests/check.h"

#define ITEMS_MAX 6

struct item {
	const char *name; /* NULL ends a list */
	int priority;
	enum overlay_store_kind kind;
};

#define O OVERLAY_ORDINARY
#define P OVERLAY_PERSISTENT

static const struct {
	struct item given[ITEMS_MAX];
	struct item wanted[ITEMS_MAX]; /* on top first */
} cases[] = {
	{{{NULL, 0, O}}, {{NULL, 0, O}}},
	{{{"a", 0, O}}, {{"a", 0, O}}},
	/* priority, the higher on top */
	{{{"a", -1, O}, {"b", 7, O}, {"c", 0, O}},
	 {{"b", 7, O}, {"c", 0, O}, {"a", -1, O}}},
	/* the extremes do not overflow */
	{{{"a", -1000000, O}, {"b", 1000000, O}},
	 {{"b", 1000000, O}, {"a", -1000000, O}}},
	/* equal priority: the later name on top, in byte order, whatever the store */
	{{{"a", 0, P}, {"B", 0, O}, {"c", 0, O}, {"a1", 0, O}},
	 {{"c", 0, O}, {"a1", 0, O}, {"a", 0, P}, {"B", 0, O}}},
};

static size_t fill(const struct item *from, struct overlay_order_item *ret)
{
	size_t count = 0;

	for (; count < ITEMS_MAX && from[count].name; count++) {
		memset(&ret[count], 0, sizeof(ret[count]));
		strcpy(ret[count].entry.name, from[count].name);
		ret[count].entry.kind = from[count].kind;
		ret[count].priority = from[count].priority;
	}
	return count;
}

static void test_sort(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_order_item items[ITEMS_MAX];
		size_t count = fill(cases[i].given, items);

		overlay_order_sort(items, count);
		for (size_t j = 0; j < count; j++) {
			const struct item *wanted = &cases[i].wanted[j];

			if (strcmp(items[j].entry.name, wanted->name) != 0 ||
			    items[j].entry.kind != wanted->kind ||
			    items[j].priority != wanted->priority)
				fail_msg("case %zu, place %zu: %s", i, j,
					 items[j].entry.name);
		}
	}
}

#define CLAIMS_MAX 5

/* NULL ends a list; @counts: index of the one that counts in its place */
struct claim {
	const char *name, *identity, *version;
	uint32_t epoch;
	enum overlay_store_kind kind;
	bool trusted, good;
	size_t counts;
};

static const struct claim settled[][CLAIMS_MAX] = {
	{{NULL}},
	{{"a", "a", "1", 0, O, true, false, 0}, {"b", "b", "1", 0, O, true, false, 1}},
	/* persistent before epoch, before version */
	{{"zzz", "fix", "9", 9, O, true, true, 1},
	 {"fix", "fix", "1", 0, P, true, false, 1}},
	{{"a", "fix", "9", 0, O, true, true, 1}, {"b", "fix", "1", 1, O, true, false, 1}},
	{{"a", "fix", "5.9", 0, O, true, true, 1},
	 {"b", "fix", "5.10", 0, O, true, false, 1}},
	/* then the last good set, then the name */
	{{"a", "fix", "1", 0, O, true, false, 1}, {"b", "fix", "1", 0, O, true, true, 1}},
	{{"b", "fix", "1", 0, O, true, false, 1},
	 {"a", "fix", "1", 0, O, true, false, 1}},
	/* what is only allowed displaces nothing that is signed */
	{{"fix", "fix", "9", 9, P, false, true, 1},
	 {"b", "fix", "1", 0, O, true, false, 1}},
	{{"fix", "fix", "9", 9, P, false, false, 0},
	 {"b", "fix", "1", 0, O, false, true, 0}},
	/* one installed name in both stores */
	{{"x", "new", "1", 0, P, true, false, 0}, {"x", "old", "9", 9, O, true, true, 0}},
	/* three of them, and one of another package */
	{{"a", "fix", "1", 0, O, true, false, 2},
	 {"other", "other", "1", 0, O, true, false, 1},
	 {"c", "fix", "3", 0, O, true, false, 2},
	 {"b", "fix", "2", 0, O, true, false, 2}},
	/* what is a duplicate itself makes no other one a duplicate: x does not count */
	{{"fix", "fix", "2", 0, P, true, false, 0},
	 {"x", "fix", "1", 0, P, true, false, 0},
	 {"x", "other", "1", 0, O, true, false, 2}},
};

static void test_settle(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(settled) / sizeof(settled[0]); i++) {
		struct overlay_claim claims[CLAIMS_MAX];
		size_t counts[CLAIMS_MAX], count = 0;
		struct verity_error err;

		for (; count < CLAIMS_MAX && settled[i][count].name; count++) {
			const struct claim *from = &settled[i][count];

			claims[count] = (struct overlay_claim){
				.entry.kind = from->kind,
				.identity = from->identity,
				.version = from->version,
				.epoch = from->epoch,
				.trusted = from->trusted,
				.good = from->good,
			};
			strcpy(claims[count].entry.name, from->name);
		}
		check_ok(overlay_order_settle(claims, count, counts, &err), &err);
		for (size_t j = 0; j < count; j++)
			if (counts[j] != settled[i][j].counts)
				fail_msg("case %zu: %zu counts in place of %zu", i,
					 counts[j], j);
	}
}

static void test_duplicate(void **state)
{
	const struct overlay_claim counts = {{"fix", P}, "fix", "2.0", 0, true, false};
	const struct overlay_claim same = {{"zzz", O}, "fix", "1.0", 0, true, false};
	const struct overlay_claim other = {{"fix", O}, "old", "1.0", 0, true, false};
	struct verity_error why;

	(void)state;
	overlay_order_duplicate(&same, &counts, &why);
	check_error(
		&why, VERITY_E_DUPLICATE,
		"the persistent package 'fix', version 2.0, has the same identity and "
		"counts");
	overlay_order_duplicate(&other, &counts, &why);
	check_error(&why, VERITY_E_DUPLICATE,
		    "the persistent package 'fix', version 2.0, has the same name and "
		    "counts");
	overlay_order_duplicate(&counts, &same, &why);
	check_error(&why, VERITY_E_DUPLICATE,
		    "the ordinary package 'zzz', version 1.0, has the same identity and "
		    "counts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_duplicate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
