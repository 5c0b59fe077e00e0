/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/common/table.h"

#define BAR_10  "══════════"
#define LINE_10 "──────────"
#define BAR_70  BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10
#define LINE_70 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10
#define LONG    "A description that is a good deal longer than what is left for it"
#define COUNT   (sizeof(columns) / sizeof(columns[0]))

static const struct table_column columns[] = {
	{"NAME", NULL, 16},
	{"VERSION", "Version", 12},
	{"PERSISTENT", "Persistent", 0},
	{"VERIFICATION", "Verification", 0},
	{"DESCRIPTION", "Description", 8},
};

static void check_on(const struct layout *layout, const char *const *cells, size_t rows,
		     const char *expected)
{
	const struct table table = {"Packages", columns, COUNT, cells, rows};
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	table_print(out, layout, &table);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void check_table(const char *const *cells, size_t rows, size_t width,
			const char *expected)
{
	check_on(&(struct layout){.width = width}, cells, rows, expected);
}

static void test_eighty_columns(void **state)
{
	static const char *const cells[] = {"pkgname", "5.26.0-rev0", "False", "Signed",
					    "Example"};
	static const char expected[] =
		"╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		"│NAME     VERSION      PERSISTENT  VERIFICATION  DESCRIPTION                   "
		"│\n"
		"│pkgname  5.26.0-rev0  False       Signed        Example                       "
		"│\n"
		"└" LINE_70 "────────┘\n";

	(void)state;
	check_table(cells, 1, 0, expected);
	check_table(cells, 1, 80, expected);
	check_table(cells, 1, 200, expected);
}

static void test_wider(void **state)
{
	static const char *const cells[] = {"a", "1", "True", "Untrusted", LONG};
	static const char expected[] =
		"╒ Packages " BAR_70 BAR_10 BAR_10 "══════╕\n"
		"│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION"
		"                                                      │\n"
		"│a     1        True        Untrusted     " LONG "│\n"
		"└" LINE_70 LINE_10 LINE_10 LINE_10 "──────┘\n";

	(void)state;
	check_table(cells, 1, 0, expected);
	check_table(cells, 1, 108, expected);
}

static void test_cut(void **state)
{
	static const char *const cells[] = {"a", "1", "True", "Untrusted", LONG};

	(void)state;
	check_table(
		cells, 1, 80,
		"╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		"│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION                     "
		"     │\n"
		"│a     1        True        Untrusted     A description that is a good deal "
		"lo…│\n"
		"└" LINE_70 "────────┘\n");
	check_table(cells, 1, 60,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION      │\n"
		    "│a     1        True        Untrusted     A description th…│\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 "────────┘\n");
	/* The narrowest there is. */
	check_table(cells, 1, 51,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 "═════════╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIP…│\n"
		    "│a     1        True        Untrusted     A descr…│\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 "─────────┘\n");
}

/* After the description the widest of the others, until both are as short as may be. */
static void test_cut_further(void **state)
{
	static const char *const cells[] = {"a-name-of-a-package-that-is-much-too-long",
					    "2026.11.23-rc1-of-many", "False",
					    "Incompatible", "Example"};

	(void)state;
	check_table(cells, 1, 80,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		    "│NAME                 VERSION             PERSISTENT  VERIFICATION  "
		    "DESCRIPTION│\n"
		    "│a-name-of-a-packag…  2026.11.23-rc1-of…  False       Incompatible  "
		    "Example    │\n"
		    "└" LINE_70 "────────┘\n");
	check_table(
		cells, 1, 68,
		"╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 BAR_10 "══════╕\n"
		"│NAME              VERSION       PERSISTENT  VERIFICATION  DESCRIP…│\n"
		"│a-name-of-a-pac…  2026.11.23-…  False       Incompatible  Example │\n"
		"└" LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 "──────┘\n");
	check_table(cells, 1, 67,
		    "Packages:\n"
		    "a-name-of-a-package-that-is-much-too-long\n"
		    "  Version: 2026.11.23-rc1-of-many\n"
		    "  Persistent: False\n"
		    "  Verification: Incompatible\n"
		    "  Description: Example\n");
}

/* The same as a list; what has nothing to say is left out. */
static void test_list(void **state)
{
	static const char *const cells[] = {
		"pkgname", "5.26.0-rev0", "False", "Signed",  "Example of a few words",
		"other",   "-",           "True",  "Invalid", ""};

	(void)state;
	check_table(cells, 2, 40,
		    "Packages:\n"
		    "pkgname\n"
		    "  Version: 5.26.0-rev0\n"
		    "  Persistent: False\n"
		    "  Verification: Signed\n"
		    "  Description: Example of a few words\n"
		    "other\n"
		    "  Version: -\n"
		    "  Persistent: True\n"
		    "  Verification: Invalid\n");
	check_table(cells, 1, 20,
		    "Packages:\n"
		    "pkgname\n"
		    "  Version:\n"
		    "    5.26.0-rev0\n"
		    "  Persistent: False\n"
		    "  Verification:\n"
		    "    Signed\n"
		    "  Description:\n"
		    "    Example of a few\n"
		    "    words\n");
}

/* Two columns each, one of them cut in the middle of such a pair; combining ones none. */
static void test_widths(void **state)
{
	static const char *const cells[] = {
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
	check_table(cells, 2, 60,
		    "╒ Packages " BAR_10 BAR_10 BAR_10 BAR_10 "════════╕\n"
		    "│NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION      │\n"
		    "│a     ü        True        Signed        漢字漢字漢字漢字…│\n"
		    "│b     1        -           -             e\xcc\x81"
		    "té              │\n"
		    "└" LINE_10 LINE_10 LINE_10 LINE_10 LINE_10 "────────┘\n");
}

static void test_ascii(void **state)
{
	static const struct layout ascii = {.width = 60, .ascii = true};
	static const char *const cells[] = {"a", "ü", "True", "Signed",
					    "漢字 and a good deal more"};

	(void)state;
	check_on(&ascii, cells, 1,
		 "+ Packages ================================================+\n"
		 "|NAME  VERSION  PERSISTENT  VERIFICATION  DESCRIPTION      |\n"
		 "|a     ?        True        Signed        ???? and a goo...|\n"
		 "+----------------------------------------------------------+\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_eighty_columns),
		cmocka_unit_test(test_wider),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_cut_further),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_widths),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
