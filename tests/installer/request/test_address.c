/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>
#include <stdio.h>

#include "installer/request/address.h"

#define EXPECTED "expected a name, an IPv4 address or an [IPv6 address]"
#define FOUR     "expected four numbers, such as 192.0.2.1"
#define A_PORT   "expected a number from 1 to 65535"

static void test_good(void **state)
{
	static const struct {
		const char *text, *host, *port;
	} cases[] = {
		{"192.0.2.1", "192.0.2.1", ""},
		{"192.0.2.1:69", "192.0.2.1", "69"},
		{"server", "server", ""},
		{"my_server.example.com:65535", "my_server.example.com", "65535"},
		{"[2001:db8::1]", "[2001:db8::1]", ""},
		{"[2001:db8::1]:00080", "[2001:db8::1]", "00080"},
		{"[fe80::1%eth0123456789a]", "[fe80::1%eth0123456789a]", ""},
		{"[fe80::1%eth0]:1", "[fe80::1%eth0]", "1"},
		{"[::ffff:192.0.2.1]", "[::ffff:192.0.2.1]", ""},
		{"2srv", "2srv", ""},
		{"srv.2x", "srv.2x", ""},
		{"1.pool:69", "1.pool", "69"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address;
		struct verity_error err;

		check_ok(address_parse(cases[i].text, &address, &err), &err);
		assert_string_equal(address.host, cases[i].host);
		assert_string_equal(address.port, cases[i].port);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *message;
	} cases[] = {
		{"", "'' is not an address: " EXPECTED},
		{":80", "':80' is not an address: " EXPECTED},
		{"user@server", "'user@server' is not an address: " EXPECTED},
		{"server/path", "'server/path' is not an address: " EXPECTED},
		{"a;b", "'a;b' is not an address: " EXPECTED},
		{"a\x1b", "'a\x1b' is not an address: " EXPECTED},
		{"%41", "'%41' is not an address: " EXPECTED},
		{"[fe80::1%et#0]",
		 "[fe80::1%et#0]: expected the name of an interface after '%'"},
		{"[fe80::1%eth0123456789abc]",
		 "[fe80::1%eth0123456789abc]: expected the name of an interface after "
		 "'%'"},
		{"[fe80::1%]", "[fe80::1%]: expected the name of an interface after '%'"},
		{"2001:db8::1",
		 "2001:db8::1: an IPv6 address needs brackets: [2001:db8::1]"},
		{"192.0.2", "'192.0.2' is not an IPv4 address: " FOUR},
		{"192.0.2:69", "'192.0.2' is not an IPv4 address: " FOUR},
		{"192.0.2.256", "'192.0.2.256' is not an IPv4 address: " FOUR},
		{"192.0.2.010", "'192.0.2.010' is not an IPv4 address: " FOUR},
		{"192.0.2.1.5", "'192.0.2.1.5' is not an IPv4 address: " FOUR},
		{"0x7f.1", "'0x7f.1' is not an IPv4 address: " FOUR},
		{"127.0x1", "'127.0x1' is not an IPv4 address: " FOUR},
		{"3232235777", "'3232235777' is not an IPv4 address: " FOUR},
		{"server:", "server:: '' is not a port: " A_PORT},
		{"server:http", "server:http: 'http' is not a port: " A_PORT},
		{"server:0", "server:0: '0' is not a port: " A_PORT},
		{"server:65536", "server:65536: '65536' is not a port: " A_PORT},
		{"server:000080", "server:000080: '000080' is not a port: " A_PORT},
		{"server:+80", "server:+80: '+80' is not a port: " A_PORT},
		{"[::1", "[::1: missing ']'"},
		{"[]", "[]: '' is not an IPv6 address"},
		{"[192.0.2.1]", "[192.0.2.1]: '192.0.2.1' is not an IPv6 address"},
		{"[server]:80", "[server]:80: 'server' is not an IPv6 address"},
		{"[::1]80", "[::1]80: only :PORT may follow the ']'"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address address = {.host = "untouched"};
		struct verity_error err = {0};

		if (address_parse(cases[i].text, &address, &err) != -EINVAL)
			fail_msg("%s is taken for an address", cases[i].text);
		check_error(&err, VERITY_E_USAGE, cases[i].message);
		assert_string_equal(address.host, "untouched");
	}
}

static void test_length(void **state)
{
	char text[ADDRESS_HOST_MAX + 8];
	struct address address;
	struct verity_error err = {0};

	(void)state;
	memset(text, 'a', sizeof(text));
	strcpy(text + ADDRESS_HOST_MAX, ":80");
	check_ok(address_parse(text, &address, &err), &err);
	assert_int_equal(strlen(address.host), ADDRESS_HOST_MAX);
	strcpy(text + ADDRESS_HOST_MAX, "a:80");
	assert_int_equal(address_parse(text, &address, &err), -22);
	assert_non_null(
		strstr(err.message, "...: an address has at most 255 characters"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
