/* SPDX-License-Identifier: MIT */

/* Every item once, the lowest failure, workers that begin and end. */

#include <errno.h>
#include <stdatomic.h>

#include "tests/check.h"
#include "verity/util/parallel.h"

#define ITEMS 1000

struct context {
	atomic_int done[ITEMS];
	atomic_int workers;
	uint64_t fail_from; /* every item from here on fails */
	int begin_fails;
};

static int begin(void *context, void *worker, struct verity_error *err)
{
	struct context *c = context;

	if (c->begin_fails)
		return verity_fail(err, VERITY_E_NO_MEMORY, "no worker");
	atomic_fetch_add(&c->workers, 1);
	*(struct context **)worker = c;
	return 0;
}

static void end(void *worker)
{
	struct context *c = *(struct context **)worker;

	atomic_fetch_sub(&c->workers, 1);
}

static int item(void *context, void *worker, uint64_t number, struct verity_error *err)
{
	struct context *c = context;

	assert_ptr_equal(*(struct context **)worker, context);
	atomic_fetch_add(&c->done[number], 1);
	if (number >= c->fail_from)
		return verity_fail(err, VERITY_E_IO, "item %d", (int)number);
	return 0;
}

static void test_every_item_once(void **state)
{
	(void)state;
	for (unsigned threads = 1; threads < 9; threads++) {
		struct context c = {.fail_from = ITEMS};
		const struct verity_crew crew = {&c, sizeof(void *), begin, item, end};
		struct verity_error err;

		assert_int_equal(verity_parallel(&crew, ITEMS, threads, &err), 0);
		for (int i = 0; i < ITEMS; i++)
			assert_int_equal(c.done[i], 1);
		assert_int_equal(c.workers, 0);
	}
}

static void test_lowest_failure_wins(void **state)
{
	(void)state;
	for (int round = 0; round < 200; round++) {
		struct context c = {.fail_from = 17};
		const struct verity_crew crew = {&c, sizeof(void *), begin, item, end};
		struct verity_error err;

		assert_int_equal(verity_parallel(&crew, ITEMS, 4, &err), -EIO);
		check_error(&err, VERITY_E_IO, "item 17");
		assert_int_equal(c.workers, 0);
	}
}

static void test_no_worker(void **state)
{
	struct context c = {.fail_from = ITEMS, .begin_fails = 1};
	const struct verity_crew crew = {&c, sizeof(void *), begin, item, end};
	struct verity_error err;

	(void)state;
	assert_int_equal(verity_parallel(&crew, ITEMS, 4, &err), -ENOMEM);
	check_error(&err, VERITY_E_NO_MEMORY, "no worker");
	assert_int_equal(verity_parallel(&crew, ITEMS, 4, NULL), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_item_once),
		cmocka_unit_test(test_lowest_failure_wins),
		cmocka_unit_test(test_no_worker),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
