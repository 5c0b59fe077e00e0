/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/util/text.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_printable(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool printable;
	} cases[] = {
		{TEXT(""), true},
		{TEXT("plain ~"), true},
		{TEXT("gr\xc3\xbc\xc3\x9f"), true}, /* two bytes */
		{TEXT("\xe2\x82\xac"), true},       /* three: euro */
		{TEXT("\xf0\x9f\x98\x80"), true},   /* four */
		{TEXT("a\0b"), false},              /* NUL */
		{TEXT("a\nb"), false},              /* line feed */
		{TEXT("\x1b[31m"), false},          /* terminal escape */
		{TEXT("\x7f"), false},              /* DEL */
		{TEXT("\xc2\x9b"
		      "31m"),
		 false},                           /* C1: CSI */
		{TEXT("\x80"), false},             /* lone continuation */
		{TEXT("\xc3"), false},             /* cut short */
		{TEXT("\xc0\x80"), false},         /* overlong NUL */
		{TEXT("\xe0\x80\xaf"), false},     /* overlong slash */
		{TEXT("\xed\xa0\x80"), false},     /* surrogate */
		{TEXT("\xf4\x90\x80\x80"), false}, /* beyond Unicode */
		{TEXT("\xff"), false},             /* never UTF-8 */
		{TEXT("\xe2\x80\xae"
		      "gpj"),
		 false},                       /* right-to-left override */
		{TEXT("\xe2\x80\xa8"), false}, /* line separator */
		{TEXT("\xef\xbb\xbf"), false}, /* byte order mark */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (verity_text_printable(cases[i].text, cases[i].size) !=
		    cases[i].printable)
			fail_msg("case %zu", i);
}

static void test_plain(void **state)
{
	static const struct {
		const char *text;
		const char *plain;
	} cases[] = {
		{"", ""},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"}, /* printable: as it is */
		{"a\nwmopkg: b", "a?wmopkg: b"},
		{"\x1b[2J\xc3\xbc", "?[2J??"},
		{"cut \xc3", "cut ?"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[32];

		strcpy(text, cases[i].text);
		assert_string_equal(verity_text_plain(text), cases[i].plain);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
