/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <string.h>

#include "installer/request/stall.h"

#define START_MS (1LL << 40)

/* Bytes come every @pause_s; at some time it is too little. */
static void test_stall(void **state)
{
	static const struct {
		int64_t pause_s, bytes, hours;
		int64_t lost_s; /* 0: never */
		const char *message;
	} cases[] = {
		{1, 1 << 20, 24, 0, NULL},
		{29, 1 << 20, 24, 0, NULL},
		{1, 110, 24, 0, NULL},
		{31, 1 << 20, 1, 30, "nothing received for 30 seconds"},
		{1, 109, 1, 600, "only 65400 bytes received in 10 minutes"},
		{29, 1, 1, 600, "only 20 bytes received in 10 minutes"},
		{1, 0, 1, 600, "only 0 bytes received in 10 minutes"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct stall stall;
		struct verity_error err = {.code = VERITY_OK};
		int64_t at = 0;
		int r = 0;

		stall_begin(&stall, START_MS);
		for (; r == 0 && at < cases[i].hours * 3600; at += r == 0) {
			if (at > 0 && at % cases[i].pause_s == 0)
				stall_hear(&stall, START_MS + at * 1000, cases[i].bytes);
			r = stall_check(&stall, START_MS + at * 1000, &err);
		}
		if (!cases[i].lost_s) {
			check_ok(r, &err);
			continue;
		}
		assert_int_equal(at, cases[i].lost_s);
		check_error(&err, VERITY_E_LOST, cases[i].message);
	}
}

/* What comes in one window does not count for the next. */
static void test_fades(void **state)
{
	struct stall stall;
	struct verity_error err;
	int64_t now_ms = START_MS;

	(void)state;
	stall_begin(&stall, now_ms);
	stall_hear(&stall, now_ms, 1LL << 30);
	for (int i = 0; i < 1200; i++, now_ms += 1000) {
		stall_hear(&stall, now_ms, 1);
		check_ok(stall_check(&stall, now_ms, &err), &err);
	}
	assert_true(stall_check(&stall, now_ms, &err) < 0);
	check_error(&err, VERITY_E_LOST, "only 599 bytes received in 10 minutes");
}

/* Small parts share a window; what passes between them is not time of the server. */
static void test_skip(void **state)
{
	struct stall stall;
	struct verity_error err;
	int64_t now_ms = START_MS;

	(void)state;
	stall_begin(&stall, now_ms);
	for (int i = 0; i < 600; i++, now_ms += 61000) {
		check_ok(stall_check(&stall, now_ms, &err), &err);
		stall_skip(&stall, 60000);
		stall_hear(&stall, now_ms + 60000, 1);
	}
	assert_true(stall_check(&stall, now_ms, &err) < 0);
	check_error(&err, VERITY_E_LOST, "only 600 bytes received in 10 minutes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stall),
		cmocka_unit_test(test_fades),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
