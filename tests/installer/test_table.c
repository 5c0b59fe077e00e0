/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>

#include "installer/table.h"

#define COLUMNS 5
#define HEAD    "NAME", "VERSION", "PERSISTENT", "VERIFICATION", "DESCRIPTION"
#define BAR_10  "══════════"
#define LINE_10 "──────────"
#define BAR_70  BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10
#define LINE_70 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10
#define LONG    "A description that is a good deal longer than what is left for it"

static void check_table(const char *const *cells, size_t rows, size_t width_max,
			const char *expected)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	table_print(out, "Packages", cells, COLUMNS, rows, width_max);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void test_eighty_columns(void **state)
{
	static const char *const cells[] = {
		HEAD, "pkgname", "5.26.0-rev0", "False", "Signed", "Example",
	};
	static const char expected[] =
		"╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		"│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   "
		"│\n"
		"│pkgname  5.26.0-rev0  False       Signed        Example                       "
		"│\n"
		"└" LINE_70 "────────┘\n";

	(void)state;
	check_table(cells, 2, 0, expected);
	check_table(cells, 2, 80, expected);
	check_table(cells, 2, 200, expected);
}

static void test_wider(void **state)
{
	static const char *const cells[] = {HEAD, "a", "1", "True", "Untrusted", LONG};
	static const char expected[] =
		"╒ Packages " BAR_70 BAR_10 BAR_10 "══════╕\n"
		"│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION"
		"                                                      │\n"
		"│a     1        True        Untrusted     " LONG "│\n"
		"└" LINE_70 LINE_10 LINE_10 LINE_10 "──────┘\n";

	(void)state;
	check_table(cells, 2, 0, expected);
	check_table(cells, 2, 108, expected);
}

static void test_cut(void **state)
{
	static const char *const cells[] = {HEAD, "a", "1", "True", "Untrusted", LONG};

	(void)state;
	check_table(
		cells, 2, 80,
		"╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		"│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION                     "
		"     │\n"
		"│a     1        True        Untrusted     A description that is a good deal "
		"lo…│\n"
		"└" LINE_70 "────────┘\n");
	check_table(cells, 2, 60,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION      │\n"
		    "│a     1        True        Untrusted     A description th…│\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 "────────┘\n");
	/* Nothing is left for the last column; the others are never cut. */
	check_table(cells, 2, 20,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 "═╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  │\n"
		    "│a     1        True        Untrusted     │\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 "─┘\n");
}

/* Two columns each, one of them cut in the middle of such a pair; combining ones none. */
static void test_widths(void **state)
{
	static const char *const cells[] = {
		HEAD,
		"a",
		"ü",
		"True",
		"Signed",
		"漢字漢字漢字漢字漢字",
		"b",
		"1",
		"-",
		"-",
		("e\xcc\x81"
		 "té"),
	};

	(void)state;
	check_table(cells, 3, 60,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION      │\n"
		    "│a     ü        True        Signed        漢字漢字漢字漢字…│\n"
		    "│b     1        -           -             e\xcc\x81"
		    "té              │\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 "────────┘\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eighty_columns),
		cmocka_unit_test(test_wider),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_widths),
	};

	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
