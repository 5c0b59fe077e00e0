/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/grammar/split_words.h"

#define WORDS 4

static void test_split(void **state)
{
	static const struct {
		const char *text;
		const char *words[WORDS];
		bool open;
		size_t begin;
		char quote;
		bool comment;
	} cases[] = {
		{"", {NULL}, false, 0, 0, false},
		{"   ", {NULL}, false, 3, 0, false},
		{"show", {"show"}, true, 0, 0, false},
		{"show ", {"show"}, false, 5, 0, false},
		{"\tshow\t a\n", {"show", "a"}, false, 9, 0, false},
		{"a 'b c' \"d  e\"", {"a", "b c", "d  e"}, true, 8, 0, false},
		{"a b\\ c", {"a", "b c"}, true, 2, 0, false},
		{"a'b'\"c\"d", {"abcd"}, true, 0, 0, false},
		{"'' x", {"", "x"}, true, 3, 0, false},
		{"'a\\'", {"a\\"}, true, 0, 0, false},
		{"\"a\\\"b\\\\c\\d\"", {"a\"b\\c\\d"}, true, 0, 0, false},
		{"a 'b c", {"a", "b c"}, true, 2, '\'', false},
		{"a \"b", {"a", "b"}, true, 2, '"', false},
		{"a b\\", {"a", "b"}, true, 2, '\\', false},
		{"a # b", {"a"}, false, 5, 0, true},
		{"# 'b", {NULL}, false, 4, 0, true},
		{"a#b", {"a#b"}, true, 0, 0, false},
		{"a \\# b", {"a", "#", "b"}, true, 5, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;
		struct line line;
		int count = 0;

		check_ok(line_split(cases[i].text, strlen(cases[i].text), &line, &err),
			 &err);
		for (; count < WORDS && cases[i].words[count]; count++)
			assert_string_equal(line.words[count], cases[i].words[count]);
		assert_int_equal(line.count, count);
		assert_null(line.words[count]);
		assert_int_equal(line.open, cases[i].open);
		assert_int_equal(line.begin, cases[i].begin);
		assert_int_equal(line.quote, cases[i].quote);
		assert_int_equal(line.comment, cases[i].comment);
		line_free(&line);
		assert_null(line.bytes);
	}
}

static void test_too_many(void **state)
{
	char text[(LINE_WORDS_MAX + 1) * 2 + 1] = "";
	struct verity_error err;
	struct line line;

	(void)state;
	for (int i = 0; i < LINE_WORDS_MAX; i++)
		strcat(text, "a ");
	check_ok(line_split(text, strlen(text), &line, &err), &err);
	assert_int_equal(line.count, LINE_WORDS_MAX);
	line_free(&line);
	strcat(text, "a");
	assert_int_equal(line_split(text, strlen(text), &line, &err), -22);
	check_error(&err, VERITY_E_USAGE, "over 64 words in one line");
}

/* What is quoted is read as it was, whatever is in it. */
static void test_quote(void **state)
{
	static const char *const words[] = {"a",    "a b",   "it's",       "a\"b",
					    "a\\b", "#a",    "?",          "\t",
					    "'",    "\"\\'", "caf\xc3\xa9"};
	static const char quotes[] = {0, '\'', '"'};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		for (size_t k = 0; k < sizeof(quotes); k++) {
			struct verity_error err;
			struct line line;
			char text[128];
			char *quoted;

			check_ok(line_quote(words[i], quotes[k], &quoted, &err), &err);
			snprintf(text, sizeof(text), "%.1s%s%.1s", &quotes[k], quoted,
				 &quotes[k]);
			check_ok(line_split(text, strlen(text), &line, &err), &err);
			assert_int_equal(line.count, 1);
			assert_string_equal(line.words[0], words[i]);
			assert_int_equal(line.quote, 0);
			line_free(&line);
			free(quoted);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_quote),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
