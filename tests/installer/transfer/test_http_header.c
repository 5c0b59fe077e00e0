/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "installer/transfer/http_header.h"

static void test_status(void **state)
{
	static const struct {
		const char *line, *status; /* NULL: no status line */
	} cases[] = {
		{"HTTP/1.1 200 OK\r\n", "200 OK"},
		{"HTTP/2 404\r\n", "404"},
		{"HTTP/1.1   302  Found  \r\n", "302  Found"},
		{"HTTP/1.1\r\n", ""},
		{"HTTP/1.1 ", ""},
		{"HTTP", NULL},
		{"X-HTTP/1.1 200 OK\r\n", NULL},
		{"\r\n", NULL},
		{"", NULL},
	};
	char status[HTTP_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool is_status =
			http_status(cases[i].line, strlen(cases[i].line), status);

		assert_int_equal(is_status, cases[i].status != NULL);
		if (is_status)
			assert_string_equal(status, cases[i].status);
	}
}

static void test_too_long(void **state)
{
	char line[HTTP_VALUE_MAX + 32] = "HTTP/1.1 500 ";
	char value[HTTP_VALUE_MAX + 1] = "\"";
	char ret[HTTP_VALUE_MAX];

	(void)state;
	memset(line + 13, 'x', sizeof(line) - 13);
	assert_true(http_status(line, sizeof(line), ret));
	assert_int_equal(strlen(ret), HTTP_VALUE_MAX - 1);
	memset(value + 1, 'x', HTTP_VALUE_MAX - 1);
	value[HTTP_VALUE_MAX] = '\0';
	http_validator(value, "yesterday", ret);
	assert_string_equal(ret, "yesterday");
	value[HTTP_VALUE_MAX - 1] = '\0';
	http_validator(value, "yesterday", ret);
	assert_string_equal(ret, value);
}

static void test_validator(void **state)
{
	static const struct {
		const char *etag, *modified, *validator;
	} cases[] = {
		{"\"a\"", "yesterday", "\"a\""},
		{"\"a\"", NULL, "\"a\""},
		{"W/\"a\"", "yesterday", "yesterday"},
		{"a", "yesterday", "yesterday"},
		{"", "yesterday", "yesterday"},
		{NULL, "yesterday", "yesterday"},
		{"\"a\rX: b\"", NULL, ""},
		{"\"a\x7f\"", "yes\nterday", ""},
		{"W/\"a\"", "", ""},
		{NULL, NULL, ""},
	};
	char validator[HTTP_VALUE_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		http_validator(cases[i].etag, cases[i].modified, validator);
		assert_string_equal(validator, cases[i].validator);
	}
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text;
		int64_t first, last, total;
	} cases[] = {
		{"bytes 0-0/1", 0, 0, 1},
		{"bytes 5-9/10", 5, 9, 10},
		{"Bytes 5-9/*", 5, 9, -1},
		{"bytes 9223372036854775806-9223372036854775806/9223372036854775807",
		 INT64_MAX - 1, INT64_MAX - 1, INT64_MAX},
	};
	static const char *const bad[] = {
		"",
		"bytes",
		"bytes ",
		"bytes */10",
		"bytes 5-9",
		"bytes 5-9/",
		"bytes -9/10",
		"bytes 5-/10",
		"bytes 9-5/10",
		"bytes 5-9/9",
		"bytes 5-9/10 ",
		"bytes 5-9/**",
		"items 5-9/10",
		"bytes 5 -9/10",
		"bytes +5-9/10",
		"bytes -5-9/10",
		"bytes 5--9/10",
		"bytes 5-9/-10",
		"bytes 0-9223372036854775808/*",
		"bytes 0-1/9223372036854775808",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t first = -7, last = -7, total = -7;

		assert_true(http_range(cases[i].text, &first, &last, &total));
		assert_true(first == cases[i].first && last == cases[i].last &&
			    total == cases[i].total);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t first = -7, last = -7, total = -7;

		assert_false(http_range(bad[i], &first, &last, &total));
		assert_true(first == -7 && last == -7 && total == -7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_validator),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
