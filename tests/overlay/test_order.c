/* SPDX-License-Identifier: MIT */
#include "overlay/order.h"
#include "tests/check.h"

#define ITEMS_MAX 6

struct item {
	const char *name; /* NULL ends a list */
	int priority;
	enum overlay_store_kind kind;
	bool shadowed; /* of what is wanted */
};

#define O OVERLAY_ORDINARY
#define P OVERLAY_PERSISTENT

static const struct {
	struct item given[ITEMS_MAX];
	struct item wanted[ITEMS_MAX]; /* on top first */
} cases[] = {
	{{{NULL, 0, O, false}}, {{NULL, 0, O, false}}},
	{{{"a", 0, O, false}}, {{"a", 0, O, false}}},
	/* priority, the higher on top */
	{{{"a", -1, O, false}, {"b", 7, O, false}, {"c", 0, O, false}},
	 {{"b", 7, O, false}, {"c", 0, O, false}, {"a", -1, O, false}}},
	/* the extremes do not overflow */
	{{{"a", -1000000, O, false}, {"b", 1000000, O, false}},
	 {{"b", 1000000, O, false}, {"a", -1000000, O, false}}},
	/* equal priority: the later name on top, in byte order, whatever the store */
	{{{"a", 0, P, false},
	  {"B", 0, O, false},
	  {"c", 0, O, false},
	  {"a1", 0, O, false}},
	 {{"c", 0, O, false},
	  {"a1", 0, O, false},
	  {"a", 0, P, false},
	  {"B", 0, O, false}}},
	/* one name twice: the persistent one wins, also where it lies lower */
	{{{"a", 9, O, false}, {"a", 1, P, false}, {"b", 5, O, false}},
	 {{"a", 9, O, true}, {"b", 5, O, false}, {"a", 1, P, false}}},
	{{{"a", 0, O, false}, {"a", 0, P, false}},
	 {{"a", 0, P, false}, {"a", 0, O, true}}},
};

static size_t fill(const struct item *from, struct overlay_order_item *ret)
{
	size_t count = 0;

	for (; count < ITEMS_MAX && from[count].name; count++) {
		memset(&ret[count], 0, sizeof(ret[count]));
		strcpy(ret[count].entry.name, from[count].name);
		ret[count].entry.kind = from[count].kind;
		ret[count].priority = from[count].priority;
		ret[count].shadowed = true; /* is to be set */
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
			    items[j].priority != wanted->priority ||
			    items[j].shadowed != wanted->shadowed)
				fail_msg("case %zu, place %zu: %s", i, j,
					 items[j].entry.name);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
