/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include "installer/fetch/http_header.h"

static void hear(struct source_http_answer *answer, const char *const *lines)
{
	for (; *lines; lines++)
		source_http_hear_line(answer, *lines, strlen(*lines));
}

static void test_answers(void **state)
{
	static const struct {
		const char *lines[6];
		const char *status, *validator, *encoding, *range;
	} cases[] = {
		{{"HTTP/1.1 200 OK\r\n", "etag:\"a\"\r\n", "Last-Modified: yesterday\r\n",
		  "\r\n"},
		 "200 OK",
		 "\"a\"",
		 "",
		 ""},
		{{"HTTP/1.1 200 OK\r\n", "ETag: W/\"a\"\r\n",
		  "Last-Modified: yesterday \r\n"},
		 "200 OK",
		 "yesterday",
		 "",
		 ""},
		{{"HTTP/1.1 302 Found\r\n", "ETag: \"a\"\r\n", "\r\n",
		  "HTTP/1.1 200 OK\r\n", "Content-Encoding: gzip"},
		 "200 OK",
		 "",
		 "gzip",
		 ""},
		{{"HTTP/2 404\r\n", "Content-Range:   bytes */10\r\n",
		  "X-ETag: \"b\"\r\n"},
		 "404",
		 "",
		 "",
		 "bytes */10"},
		{{"HTTP/1.1\r\n", "ETag: \"a\rX: b\"\r\n", "ETag\r\n", "\r\n"},
		 "",
		 "",
		 "",
		 ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source_http_answer answer = {0};

		hear(&answer, cases[i].lines);
		assert_string_equal(answer.status, cases[i].status);
		assert_string_equal(source_http_validator(&answer), cases[i].validator);
		assert_string_equal(answer.encoding, cases[i].encoding);
		assert_string_equal(answer.range, cases[i].range);
	}
}

static void test_too_long(void **state)
{
	struct source_http_answer answer = {0};
	char line[SOURCE_HTTP_VALUE_MAX + 32] = "HTTP/1.1 500 ";

	(void)state;
	memset(line + 13, 'x', sizeof(line) - 13);
	source_http_hear_line(&answer, line, sizeof(line));
	assert_int_equal(strlen(answer.status), SOURCE_HTTP_VALUE_MAX - 2);
	memcpy(line, "ETag: \"", 7);
	source_http_hear_line(&answer, line, sizeof(line));
	assert_string_equal(answer.etag, "");
}

static void test_ranges(void **state)
{
	static const struct {
		const char *text;
		int64_t first, total;
	} cases[] = {
		{"bytes 0-0/1", 0, 1},
		{"bytes 5-9/10", 5, 10},
		{"Bytes 5-9/*", 5, -1},
		{"bytes 9223372036854775806-9223372036854775806/9223372036854775807",
		 INT64_MAX - 1, INT64_MAX},
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
		"bytes 0-9223372036854775808/*",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t first = -7, total = -7;

		assert_true(source_http_range(cases[i].text, &first, &total));
		assert_true(first == cases[i].first && total == cases[i].total);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int64_t first = -7, total = -7;

		assert_false(source_http_range(bad[i], &first, &total));
		assert_true(first == -7 && total == -7);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
