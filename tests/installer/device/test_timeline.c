/* SPDX-License-Identifier: MIT */
#include "installer/device/timeline.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tests/check.h"

static struct overlay_state_entry entries[] = {
	{
		.entry = {.name = "alpha"},
		.active = true,
		.judging = {1010, 1020},
		.attaching = {1060, 1080},
	},
	{
		.entry = {.name = "beta"},
		.active = true,
		.judging = {1005, 1049},
		.attaching = {1051, 1059},
	},
	{
		.entry = {.name = "gamma"},
		.judging = {1010, 1011},
		.verdict = VERITY_UNSIGNED,
		.reason = {.code = VERITY_E_NO_SIGNATURE,
			   .message = "it has no signature"},
	},
};

static const struct overlay_state state = {
	.entries = entries,
	.count = 3,
	.steps = {[OVERLAY_STEP_PREPARE] = {1000, 1005},
		  [OVERLAY_STEP_JUDGE] = {1005, 1050},
		  [OVERLAY_STEP_ATTACH] = {1050, 1080}},
};

static void test_order(void **unused)
{
	static const struct {
		const char *name;
		uint64_t start_us, end_us;
		enum overlay_step step;
		bool package, slowest;
	} expected[] = {
		{"prepare", 0, 5, OVERLAY_STEP_PREPARE, false, false},
		{"judge", 5, 50, OVERLAY_STEP_JUDGE, false, true},
		{"beta", 5, 49, OVERLAY_STEP_JUDGE, true, true},
		{"alpha", 10, 20, OVERLAY_STEP_JUDGE, true, false},
		{"gamma", 10, 11, OVERLAY_STEP_JUDGE, true, false},
		{"attach", 50, 80, OVERLAY_STEP_ATTACH, false, false},
		{"beta", 51, 59, OVERLAY_STEP_ATTACH, true, false},
		{"alpha", 60, 80, OVERLAY_STEP_ATTACH, true, true},
	};
	struct timeline timeline;
	struct verity_error err;

	(void)unused;
	check_ok(timeline_new(&state, &timeline, &err), &err);
	assert_int_equal(timeline.start_us, 1000);
	assert_int_equal(timeline.total_us, 80);
	assert_int_equal(timeline.active, 2);
	assert_int_equal(timeline.count, sizeof(expected) / sizeof(expected[0]));
	for (size_t i = 0; i < timeline.count; i++) {
		const struct timeline_row *row = &timeline.rows[i];

		assert_string_equal(row->name, expected[i].name);
		assert_int_equal(row->span.start_us, expected[i].start_us);
		assert_int_equal(row->span.end_us, expected[i].end_us);
		assert_int_equal(row->step, expected[i].step);
		assert_int_equal(row->package != NULL, expected[i].package);
		assert_int_equal(row->slowest, expected[i].slowest);
	}
	timeline_free(&timeline);
	assert_null(timeline.rows);
}

static void test_no_times(void **unused)
{
	struct overlay_state_entry none = {.entry = {.name = "alpha"}};
	const struct overlay_state old = {.entries = &none, .count = 1};
	struct timeline timeline = {.count = 77};
	struct verity_error err;

	(void)unused;
	assert_int_equal(timeline_new(&old, &timeline, &err), -ENOENT);
	check_error(
		&err, VERITY_E_NOT_FOUND,
		"no times were recorded in this boot: its wmopkg-activate is an older "
		"version (build the initramfs again)");
	assert_int_equal(timeline.count, 77);
}

/* A bar is never nothing, and never beyond its end, whatever a state file says. */
static void test_bars(void **unused)
{
	static const struct {
		uint64_t total_us, start_us, end_us;
		unsigned room, start, length;
	} cases[] = {
		{100, 0, 100, 10, 0, 10},
		{100, 0, 1, 10, 0, 1},
		{100, 100, 100, 10, 9, 1},
		{100, 99, 100, 10, 9, 1},
		{100, 15, 15, 10, 1, 1},
		{100, 19, 21, 10, 1, 2},
		{100, 50, 100, 1, 0, 1},
		{0, 0, 0, 10, 0, 1},
		{3, 1, 2, 1024, 341, 342},
		{OVERLAY_CLOCK_MAX, 0, OVERLAY_CLOCK_MAX, 1024, 0, 1024},
		{OVERLAY_CLOCK_MAX, OVERLAY_CLOCK_MAX - 1, OVERLAY_CLOCK_MAX, 1024, 1023,
		 1},
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct timeline timeline = {.total_us = cases[i].total_us};
		const struct overlay_span span = {cases[i].start_us, cases[i].end_us};
		struct timeline_bar bar = timeline_bar(&timeline, &span, cases[i].room);

		assert_int_equal(bar.start, cases[i].start);
		assert_int_equal(bar.length, cases[i].length);
	}
}

static char *print(const struct layout *layout)
{
	struct timeline timeline;
	struct verity_error err;
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	check_ok(timeline_new(&state, &timeline, &err), &err);
	timeline_print(out, layout, &timeline);
	timeline_free(&timeline);
	fclose(out);
	return text;
}

static void check(const struct layout *layout, const char *expected)
{
	char *text = print(layout);

	assert_string_equal(text, expected);
	free(text);
}

static void test_text(void **unused)
{
	(void)unused;
	check(&(struct layout){.width = 44},
	      "This boot: 2 of 3 packages active\n"
	      "Activation: 0.1 ms, from 1.0 ms after the\n"
	      "  kernel started\n"
	      "\n"
	      "STEP        AT ms  TOOK ms\n"
	      "prepare       0.0      0.0  █\n"
	      "judge         0.0      0.0*  █████████\n"
	      "  beta        0.0      0.0*  █████████\n"
	      "  alpha       0.0      0.0    ██\n"
	      "  gamma       0.0      0.0    ▌\n"
	      "attach        0.1      0.0            ██████\n"
	      "  beta        0.1      0.0            ██\n"
	      "  alpha       0.1      0.0*             ████\n"
	      "* took longest: of the steps, and of the\n"
	      "  packages of each\n"
	      "\n"
	      "gamma: Unsigned, not active: it has no\n"
	      "    signature\n");
	check(&(struct layout){.width = 27, .ascii = true},
	      "This boot: 2 of 3 packages\n"
	      "  active\n"
	      "Activation: 0.1 ms, from\n"
	      "  1.0 ms after the kernel\n"
	      "  started\n"
	      "\n"
	      "STEP        AT ms  TOOK ms\n"
	      "prepare       0.0      0.0\n"
	      "judge         0.0      0.0*\n"
	      "  beta        0.0      0.0*\n"
	      "  alpha       0.0      0.0\n"
	      "  gamma       0.0      0.0\n"
	      "attach        0.1      0.0\n"
	      "  beta        0.1      0.0\n"
	      "  alpha       0.1      0.0*\n"
	      "* took longest: of the\n"
	      "  steps, and of the\n"
	      "  packages of each\n"
	      "\n"
	      "gamma: Unsigned, not\n"
	      "    active: it has no\n"
	      "    signature\n");
}

/* Whatever the terminal is, no line is wider. */
static void test_every_width(void **unused)
{
	(void)unused;
	for (size_t width = LAYOUT_WIDTH_MIN; width < 300; width++) {
		char *text = print(&(struct layout){.width = width});
		char *rest = text;

		for (char *line; (line = strsep(&rest, "\n"));)
			assert_true(layout_width(line) <= width);
		free(text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),       cmocka_unit_test(test_no_times),
		cmocka_unit_test(test_bars),        cmocka_unit_test(test_text),
		cmocka_unit_test(test_every_width),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
