/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/common/progress.h"
#include "verity/format/format.h"

#define HEAD                                                                             \
	"pkgname.wmopkg:\n\n"                                                            \
	"0%       25%       50%       75%       100%\n"                                  \
	"|---------+---------+---------+---------|\n"

static char *text;
static size_t size;
static struct progress bar;

static void begin(enum progress_style style, uint64_t total)
{
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	progress_begin(&bar, out, style, "pkgname.wmopkg", total);
	fflush(out);
}

static void check_text(const char *expected)
{
	fflush(bar.out);
	assert_string_equal(text, expected);
}

static void finish(void)
{
	fclose(bar.out);
	free(text);
	text = NULL;
}

static void test_whole(void **state)
{
	(void)state;
	begin(PROGRESS_ONCE, 1000);
	progress_advance(&bar, 500);
	check_text(HEAD);
	progress_advance(&bar, 1000);
	check_text(HEAD);
	progress_end(&bar);
	check_text(HEAD "|=======================================|\n");
	finish();
}

static void test_grows(void **state)
{
	static const struct {
		uint64_t done;
		const char *expected;
	} cases[] = {
		{0, HEAD "|"},
		{24, HEAD "|"},
		{25, HEAD "|="},
		{250, HEAD "|=========="}, /* under the + of 25% */
		{250, HEAD "|=========="},
		{500, HEAD "|===================="},
		{750, HEAD "|=============================="},
		{1000, HEAD "|======================================="},
		{2000, HEAD "|======================================="},
	};

	(void)state;
	begin(PROGRESS_BAR, 1000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		progress_advance(&bar, cases[i].done);
		check_text(cases[i].expected);
	}
	progress_end(&bar);
	check_text(HEAD "|=======================================|\n");
	progress_end(&bar);
	progress_break(&bar);
	check_text(HEAD "|=======================================|\n");
	finish();
}

static void test_broken_off(void **state)
{
	struct progress never = {0};

	(void)state;
	begin(PROGRESS_BAR, 1000);
	progress_advance(&bar, 100);
	progress_break(&bar);
	check_text(HEAD "|====\n");
	finish();

	begin(PROGRESS_ONCE, 1000);
	progress_advance(&bar, 100);
	progress_break(&bar);
	check_text(HEAD);
	finish();

	progress_advance(&never, 1);
	progress_end(&never);
	progress_break(&never);
}

static void test_largest(void **state)
{
	const uint64_t total = VERITY_IMAGE_MAX + VERITY_IMAGE_MAX / 64;

	(void)state;
	begin(PROGRESS_BAR, total);
	progress_advance(&bar, total / 2);
	check_text(HEAD "|====================");
	progress_end(&bar);
	finish();
}

/* Below what had to be said meanwhile, the bar begins again. */
static void test_paused(void **state)
{
	(void)state;
	begin(PROGRESS_BAR, 1000);
	progress_advance(&bar, 250);
	progress_pause(&bar);
	progress_pause(&bar);
	fputs("said\n", bar.out);
	check_text(HEAD "|==========\nsaid\n");
	progress_advance(&bar, 251);
	check_text(HEAD "|==========\nsaid\n|==========");
	progress_pause(&bar);
	progress_break(&bar);
	check_text(HEAD "|==========\nsaid\n|==========\n");
	finish();
}

static void test_paused_where_it_does_not_grow(void **state)
{
	(void)state;
	begin(PROGRESS_ONCE, 1000);
	progress_advance(&bar, 250);
	progress_pause(&bar);
	fputs("said\n", bar.out);
	progress_end(&bar);
	check_text(HEAD "said\n|=======================================|\n");
	finish();
}

static void test_numbers(void **state)
{
	static const struct {
		uint64_t done, total;
		int64_t ms;
		const char *expected;
	} cases[] = {
		{0, 25375540, 0, "0.0/24.2 MiB"},
		{0, 25375540, 100, "0.0/24.2 MiB"},
		{3251000, 25375540, 7929, "3.1/24.2 MiB  410 kB/s  0:54 left"},
		{25375540, 25375540, 1000, "24.2/24.2 MiB  25 MB/s  0:00 left"},
		{1024, 10240, 1000, "1.0/10.0 KiB  1 kB/s  0:09 left"},
		{1000, 1 << 20, 1000, "0.0/1.0 MiB  1 kB/s  17:28 left"},
		{1 << 20, UINT64_C(4) << 30, 1000,
		 "1.0/4096.0 MiB  1048 kB/s  1:08:15 left"},
		{1, UINT64_C(1) << 40, 1000,
		 "0.0/1048576.0 MiB  1 B/s  305419896:36:15 left"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char numbers[PROGRESS_NUMBERS_BYTES];

		progress_format(cases[i].done, cases[i].total, cases[i].ms, numbers);
		assert_string_equal(numbers, cases[i].expected);
	}
}

/* Below the bar, and erased with the end of its line. */
static void test_numbers_below(void **state)
{
	(void)state;
	begin(PROGRESS_NUMBERS, 1000);
	progress_advance(&bar, 25);
	check_text(HEAD "|=\x1b"
			"D\x1b[A\x1b"
			"7\n0.0/0.9 KiB\x1b[K\x1b"
			"8");
	progress_advance(&bar, 50);
	progress_end(&bar);
	check_text(HEAD "|=\x1b"
			"D\x1b[A\x1b"
			"7\n0.0/0.9 KiB\x1b[K\x1b"
			"8======================================|\n\x1b[K");
	finish();
	/* not within its first three seconds */
	begin(PROGRESS_LATER, 1000);
	progress_advance(&bar, 25);
	check_text(HEAD "|=");
	bar.begun_ms -= 4000000;
	progress_advance(&bar, 25);
	check_text(HEAD "|=\x1b"
			"D\x1b[A\x1b"
			"7\n0.0/0.9 KiB\x1b[K\x1b"
			"8");
	progress_break(&bar);
	finish();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_paused),
		cmocka_unit_test(test_paused_where_it_does_not_grow),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_numbers_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
