/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <fcntl.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "installer/common/layout.h"

static void check_print(struct layout layout, size_t indent, const char *text,
			const char *expected)
{
	char *printed = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&printed, &size);

	assert_non_null(out);
	layout_print(out, &layout, indent, text);
	fclose(out);
	assert_string_equal(printed, expected);
	free(printed);
}

static void check_wrapped(size_t width, size_t indent, const char *text,
			  const char *expected)
{
	check_print((struct layout){.width = width}, indent, text, expected);
}

static void test_wrap(void **state)
{
	static const char text[] = "one two three four";

	(void)state;
	check_wrapped(0, 4, text, "one two three four\n");
	check_wrapped(18, 4, text, "one two three four\n");
	check_wrapped(17, 4, text, "one two three\n    four\n");
	check_wrapped(13, 4, text, "one two three\n    four\n");
	check_wrapped(12, 4, text, "one two\n    three\n    four\n");
	check_wrapped(12, 8, text, "one two\n three four\n");
	check_wrapped(10, 0, "", "\n");
	check_wrapped(10, 0, "0123456789", "0123456789\n");
}

/* A word that no line can hold begins where it stands, if there is room for a bit. */
static void test_long_word(void **state)
{
	(void)state;
	check_wrapped(10, 2, "a 0123456789abcdef z", "a 01234567\n  89abcdef\n  z\n");
	check_wrapped(10, 2, "abcdefg 0123456789", "abcdefg 01\n  23456789\n");
	check_wrapped(10, 2, "abcdefgh 012345678", "abcdefgh\n  01234567\n  8\n");
	check_wrapped(10, 0, "0123456789abcdef", "0123456789\nabcdef\n");
	check_wrapped(11, 4, "漢字漢字漢字漢字漢字",
		      "漢字漢字漢\n    字漢字\n    漢字\n");
}

static void test_leading_blanks(void **state)
{
	(void)state;
	check_wrapped(20, 8, "  Label: one two three",
		      "  Label: one two\n        three\n");
	check_wrapped(12, 8, "       Label: one two", "Label: one\n two\n");
	check_wrapped(0, 8, "       Label: one", "       Label: one\n");
}

static void test_harmless(void **state)
{
	(void)state;
	check_wrapped(0, 0, "a\033[2Jb\nc\x7f", "a?[2Jb?c?\n");
	check_wrapped(0, 0, "a\xe2\x80\xae.b", "a???.b\n");
	check_wrapped(0, 0, "a\xff\xe6", "a??\n");
	check_wrapped(0, 0, "漢 é", "漢 é\n");
	check_print((struct layout){.ascii = true}, 0, "漢 e\xcc\x81 ü", "?? e ?\n");
}

static void test_width(void **state)
{
	static const struct {
		const char *text;
		size_t width;
	} cases[] = {
		{"", 0},         {"abc", 3},        {"ü", 1},
		{"漢字", 4},     {"e\xcc\x81", 1},  {"\xff", 1},
		{"\xe6\xbc", 2}, {"\xe6\xbc a", 4}, {"😀", 2},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(layout_width(cases[i].text), cases[i].width);
}

static struct layout of_terminal(unsigned short columns)
{
	struct winsize size = {.ws_row = 24, .ws_col = columns};
	struct layout layout;
	int master, slave;

	assert_int_equal(openpty(&master, &slave, NULL, NULL, &size), 0);
	layout = layout_of(slave);
	close(slave);
	close(master);
	return layout;
}

static void test_width_of_terminal(void **state)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	assert_int_equal(of_terminal(0).width, 80);
	assert_int_equal(of_terminal(132).width, 132);
	assert_int_equal(of_terminal(1).width, LAYOUT_WIDTH_MIN);
	assert_int_equal(layout_of(null).width, 0);
	close(null);
}

static void set(const char *name, const char *value)
{
	if (value)
		setenv(name, value, 1);
	else
		unsetenv(name);
}

static void test_ascii(void **state)
{
	static const struct {
		const char *terminal, *all, *ctype, *lang;
		bool ascii;
	} cases[] = {
		{"vt100", NULL, NULL, NULL, false},
		{NULL, NULL, NULL, NULL, false},
		{"dumb", NULL, NULL, "C.UTF-8", true},
		{"vt100", NULL, NULL, "C", false},
		{"vt100", NULL, NULL, "POSIX", false},
		{"vt100", NULL, NULL, "de_DE", false},
		{"vt100", NULL, NULL, "de_DE.UTF-8", false},
		{"vt100", NULL, NULL, "de_DE.utf8@euro", false},
		{"vt100", NULL, NULL, "de_DE.ISO-8859-15", true},
		{"vt100", NULL, "C.UTF-8", "de_DE.ISO-8859-15", false},
		{"vt100", "ru_RU.KOI8-R", "C.UTF-8", "C.UTF-8", true},
		{"vt100", "", "", "ru_RU.KOI8-R", true},
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set("TERM", cases[i].terminal);
		set("LC_ALL", cases[i].all);
		set("LC_CTYPE", cases[i].ctype);
		set("LANG", cases[i].lang);
		assert_int_equal(of_terminal(80).ascii, cases[i].ascii);
		assert_false(layout_of(null).ascii);
	}
	close(null);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_long_word),
		cmocka_unit_test(test_leading_blanks),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_width),
		cmocka_unit_test(test_width_of_terminal),
		cmocka_unit_test(test_ascii),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
