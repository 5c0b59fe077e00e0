/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdlib.h>

#include "installer/source_url.h"

#define NAME_RULE "is not a name a package may have"

static void test_good(void **state)
{
	static const struct {
		const char *url, *where, *name, *host;
	} cases[] = {
		{"http://192.0.2.1/a.wmopkg", "http://192.0.2.1/a.wmopkg", "a",
		 "192.0.2.1"},
		{"http://h:8080/x/y/pkg-1.0.wmopkg", "http://h:8080/x/y/pkg-1.0.wmopkg",
		 "pkg-1.0", "h"},
		{"https://user:secret@h/a.wmopkg?token=secret#secret",
		 "https://h/a.wmopkg", "a", "h"},
		{"http://[2001:db8::1]:80/a.wmopkg", "http://[2001:db8::1]:80/a.wmopkg",
		 "a", "[2001:db8::1]"},
		{"HTTP://h/br%61nd.wmopkg", "http://h/br%61nd.wmopkg", "brand", "h"},
		{"http://h/%2e%2e%2Fa.wmopkg", "http://h/%2e%2e%2Fa.wmopkg", "a", "h"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;
		char name[VERITY_NAME_MAX + 1];
		char host[64];
		char *where = NULL;

		check_ok(source_url_split(cases[i].url, &where, name, &err), &err);
		assert_string_equal(where, cases[i].where);
		assert_string_equal(name, cases[i].name);
		source_url_host(cases[i].url, host, sizeof(host));
		assert_string_equal(host, cases[i].host);
		free(where);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *url;
		enum verity_code code;
		const char *message;
	} cases[] = {
		{"http://h/", VERITY_E_BAD_NAME,
		 "/: the file's name does not end in .wmopkg"},
		{"http://h/a.zip", VERITY_E_BAD_NAME,
		 "/a.zip: the file's name does not end in .wmopkg"},
		{"http://h/a.wmopkg/", VERITY_E_BAD_NAME,
		 "/a.wmopkg/: the file's name does not end in .wmopkg"},
		{"http://h/.wmopkg", VERITY_E_BAD_NAME, "/.wmopkg: '' " NAME_RULE},
		{"http://h/a%20b.wmopkg", VERITY_E_BAD_NAME,
		 "/a b.wmopkg: 'a b' " NAME_RULE},
		{"http://user:secret@/a.wmopkg", VERITY_E_USAGE,
		 "not a sound URL: No host part in the URL"},
		{"http://h:99999/a.wmopkg", VERITY_E_USAGE,
		 "not a sound URL: Port number was not a decimal number between 0 and "
		 "65535"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err = {0};
		char name[VERITY_NAME_MAX + 1] = "untouched";
		char *where = NULL;

		assert_int_equal(source_url_split(cases[i].url, &where, name, &err), -22);
		check_error(&err, cases[i].code, cases[i].message);
		assert_null(where);
		assert_string_equal(name, "untouched");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
