/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "installer/web/urlencoded.h"
#include "verity/util/text.h"

static int parse(const char *text, char told[static 512], struct verity_error *err)
{
	struct field field;
	int r;

	told[0] = '\0';
	while ((r = urlencoded_next(&text, &field, err)) == 1)
		verity_text_append(told, 512, "%s=%s;", field.name, field.value);
	return r;
}

static void test_good(void **state)
{
	static const struct {
		const char *text, *told;
	} cases[] = {
		{"", ""},
		{"a=b", "a=b;"},
		{"a", "a=;"},
		{"a=", "a=;"},
		{"&&a=1&&b_c=2&", "a=1;b_c=2;"},
		{"a=b+c%20d", "a=b c d;"},
		{"%61=%3C%26%22%e4%BA%BA", "a=<&\"\xe4\xba\xba;"},
		{"a=b=c", "a=b=c;"},
		{"url=https://192.0.2.1/x.wmopkg?y", "url=https://192.0.2.1/x.wmopkg?y;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;
		char told[512];

		check_ok(parse(cases[i].text, told, &err), &err);
		assert_string_equal(told, cases[i].told);
	}
}

static void test_bad(void **state)
{
	static const char *const cases[] = {
		"=b",
		"A=b",
		"a-b=c",
		"a%00=c",
		"a=%",
		"a=%4",
		"a=%4g",
		"a=x%0dy",     /* a line end */
		"a=x%00y",     /* a zero byte */
		"a=%ff",       /* no UTF-8 */
		"a=%e2%80%ae", /* turns the text around */
		"abcdefghijklmnopqrstuvwxyzabcdefg=1",
	};
	char told[512], *text = calloc(1, FIELD_VALUE_MAX + 8);
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		err.code = VERITY_OK;
		if (parse(cases[i], told, &err) >= 0 || err.code != VERITY_E_USAGE)
			fail_msg("%s was accepted", cases[i]);
	}
	assert_non_null(text);
	memcpy(text, "a=", 2);
	memset(text + 2, 'x', FIELD_VALUE_MAX);
	check_ok(parse(text, told, &err), &err);
	text[2 + FIELD_VALUE_MAX] = 'x';
	assert_true(parse(text, told, &err) < 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
