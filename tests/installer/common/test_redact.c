/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <string.h>

#include "installer/common/redact.h"

static void test_urls(void **state)
{
	static const struct {
		const char *text, *masked;
	} cases[] = {
		{"", ""},
		{"ftp://host/a.wmopkg", "ftp://host/a.wmopkg"},
		{"ftp://bob@host:21/a.wmopkg", "ftp://bob@host:21/a.wmopkg"},
		{"ftp://bob:@host/a.wmopkg", "ftp://bob:@host/a.wmopkg"},
		{"ftp://bob:open@host/a.wmopkg", "ftp://bob:****@host/a.wmopkg"},
		{"ftp://bob:o:p@n@host/a.wmopkg", "ftp://bob:*****@host/a.wmopkg"},
		{"ftp://bob:open@[::1]:21", "ftp://bob:****@[::1]:21"},
		{"ftp://:open@host", "ftp://:****@host"},
		{"http://host:80/a:b@c", "http://host:80/a:b@c"},
		{"http://[::1]:80/a@b", "http://[::1]:80/a@b"},
		{"bob:open@host", "bob:open@host"},
		{"://", "://"},
		{"://a:b@", "://a:*@"},
		{"install x http://a/b http://a:b@c d",
		 "install x http://a/b http://a:*@c d"},
		{"'http://a:b@c/' and 'sftp://d:efg@h/'",
		 "'http://a:*@c/' and 'sftp://d:***@h/'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[64];

		strcpy(text, cases[i].text);
		assert_string_equal(redact_urls(text), cases[i].masked);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
