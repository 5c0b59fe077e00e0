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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sort),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
