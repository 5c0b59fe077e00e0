/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/grammar/grammar.h"
#include "installer/request/address.h"
#include "installer/request/protocols.h"
#include "installer/request/url.h"
#include "verity/util/name.h"

#define NAME_RULE "is not a valid package name"
#define CUT_LOGIN "invalid URL: in a password, '/' is written %2F, '?' %3F and '#' %23"
#define EXPECTED  "expected a name, an IPv4 address or an [IPv6 address]"

static void check_text(const char *text, const char *expected)
{
	if (expected)
		assert_string_equal(text, expected);
	else
		assert_null(text);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *url, *shown, *name, *user, *password, *protocol, *host;
		uint16_t port;
	} cases[] = {
		{"http://192.0.2.1/a.wmopkg", "http://192.0.2.1/a.wmopkg",
		 "http://192.0.2.1/a.wmopkg", "a", NULL, NULL, "HTTP", "192.0.2.1", 80},
		{"http://h:8080/x/y/pkg-1.0.wmopkg", "http://h:8080/x/y/pkg-1.0.wmopkg",
		 "http://h:8080/x/y/pkg-1.0.wmopkg", "pkg-1.0", NULL, NULL, "HTTP", "h",
		 8080},
		{"https://user:s%3acr%40t@h/a.wmopkg?token=1#part",
		 "https://h/a.wmopkg?token=1", "https://h/a.wmopkg", "a", "user",
		 "s:cr@t", "HTTPS", "h", 443},
		{"ftp://user@h/a.wmopkg", "ftp://h/a.wmopkg", "ftp://h/a.wmopkg", "a",
		 "user", NULL, "FTP", "h", 21},
		{"http://[2001:db8::1]:80/a.wmopkg", "http://[2001:db8::1]:80/a.wmopkg",
		 "http://[2001:db8::1]:80/a.wmopkg", "a", NULL, NULL, "HTTP",
		 "[2001:db8::1]", 80},
		{"tftp://[fe80::1%25eth0]/a.wmopkg", "tftp://[fe80::1%25eth0]/a.wmopkg",
		 "tftp://[fe80::1%25eth0]/a.wmopkg", "a", NULL, NULL, "TFTP", "[fe80::1]",
		 69},
		{"sftp://[fe80::1%eth0]:00022/a.wmopkg",
		 "sftp://[fe80::1%25eth0]:22/a.wmopkg",
		 "sftp://[fe80::1%25eth0]:22/a.wmopkg", "a", NULL, NULL, "SFTP",
		 "[fe80::1]", 22},
		{"HTTP://h/br%61nd.wmopkg", "http://h/br%61nd.wmopkg",
		 "http://h/br%61nd.wmopkg", "brand", NULL, NULL, "HTTP", "h", 80},
		{"http://h/%2e%2e%2Fa.wmopkg", "http://h/%2e%2e%2Fa.wmopkg",
		 "http://h/%2e%2e%2Fa.wmopkg", "a", NULL, NULL, "HTTP", "h", 80},
		{"scp://h/~/x/../a.wmopkg", "scp://h/~/x/../a.wmopkg",
		 "scp://h/~/x/../a.wmopkg", "a", NULL, NULL, "SCP", "h", 22},
		{"http://u@v:w:x@y@h/z@other/a.wmopkg", "http://h/z@other/a.wmopkg",
		 "http://h/z@other/a.wmopkg", "a", "u@v", "w:x@y", "HTTP", "h", 80},
		{"http://u:@h/50%/a.wmopkg", "http://h/50%/a.wmopkg",
		 "http://h/50%/a.wmopkg", "a", "u", "", "HTTP", "h", 80},
		{"http://h/a.wmopkg?who=a@b/c:d ?\xc3\xa4#e?f",
		 "http://h/a.wmopkg?who=a@b/c:d%20?%c3%a4", "http://h/a.wmopkg", "a",
		 NULL, NULL, "HTTP", "h", 80},
		{"ftp://h/a.wmopkg;TYPE=I", "ftp://h/a.wmopkg", "ftp://h/a.wmopkg", "a",
		 NULL, NULL, "FTP", "h", 21},
		{"ftp://h/%2Fsrv/my files/\xc3\xa4/a.wmopkg",
		 "ftp://h/%2Fsrv/my%20files/%c3%a4/a.wmopkg",
		 "ftp://h/%2Fsrv/my%20files/%c3%a4/a.wmopkg", "a", NULL, NULL, "FTP", "h",
		 21},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;
		struct url url = {0};
		struct login login = {0};
		char name[VERITY_NAME_MAX + 1];

		check_ok(url_parse(cases[i].text, &url, &login, &err), &err);
		check_ok(verity_name_from_path(url.path, name, &err), &err);
		assert_string_equal(url.whole, cases[i].url);
		assert_string_equal(url.shown, cases[i].shown);
		assert_string_equal(url.protocol->name, cases[i].protocol);
		assert_string_equal(name, cases[i].name);
		check_text(login.user, cases[i].user);
		check_text(login.password, cases[i].password);
		assert_string_equal(url.host, cases[i].host);
		assert_int_equal(url.port, cases[i].port);
		url_done(&url);
		login_done(&login);
	}
}

static void test_parse_bad(void **state)
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
		{"http://h/a%00.wmopkg", VERITY_E_USAGE,
		 "invalid URL: it contains a control character"},
		{"http://us%0aer:secret@h/a.wmopkg", VERITY_E_USAGE,
		 "invalid URL: it contains a control character"},
		{"http://user:secret%7f@h/a.wmopkg", VERITY_E_USAGE,
		 "invalid URL: it contains a control character"},
		{"http://h/a\tb.wmopkg", VERITY_E_USAGE,
		 "invalid URL: it contains a control character"},
		{"http:/h/a.wmopkg", VERITY_E_USAGE,
		 "invalid URL: expected PROTOCOL://ADDRESS/PATH"},
		{"http:x://h/a.wmopkg", VERITY_E_USAGE,
		 "invalid URL: expected PROTOCOL://ADDRESS/PATH"},
		{"http://user:secret@/a.wmopkg", VERITY_E_USAGE,
		 "'' is not an address: " EXPECTED},
		{"http://user:secret@h@x y/a.wmopkg", VERITY_E_USAGE,
		 "'x y' is not an address: " EXPECTED},
		{"http://h%2fother/a.wmopkg", VERITY_E_USAGE,
		 "'h%2fother' is not an address: " EXPECTED},
		{"http://[fe80::1%25]/a.wmopkg", VERITY_E_USAGE,
		 "[fe80::1%]: expected the name of an interface after '%'"},
		{"http://192.0.2/a.wmopkg", VERITY_E_USAGE,
		 "'192.0.2' is not an IPv4 address: expected four numbers, such as "
		 "192.0.2.1"},
		{"http://h:99999/a.wmopkg", VERITY_E_USAGE,
		 "h:99999: '99999' is not a port: expected a number from 1 to 65535"},
		{"http://user:sec/ret@h/a.wmopkg", VERITY_E_USAGE, CUT_LOGIN},
		{"http://user:sec?ret@h/a.wmopkg", VERITY_E_USAGE, CUT_LOGIN},
		{"http://user:#@h/a.wmopkg", VERITY_E_USAGE,
		 "user:: '' is not a port: expected a number from 1 to 65535"},
		{"http://user:x#@h/a.wmopkg", VERITY_E_USAGE, CUT_LOGIN},
		/* this one is in the path, and the port is wrong */
		{"http://h:99999/a@b.wmopkg", VERITY_E_USAGE,
		 "h:99999: '99999' is not a port: expected a number from 1 to 65535"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err = {0};
		struct url url = {0};
		struct login login = {0};
		char name[VERITY_NAME_MAX + 1] = "untouched";

		if (cases[i].code == VERITY_E_BAD_NAME) {
			check_ok(url_parse(cases[i].url, &url, &login, &err), &err);
			assert_int_equal(verity_name_from_path(url.path, name, &err),
					 -22);
		} else {
			assert_int_equal(url_parse(cases[i].url, &url, &login, &err),
					 -22);
			assert_null(url.whole);
			assert_null(url.shown);
			assert_null(url.path);
			assert_null(login.password);
		}
		check_error(&err, cases[i].code, cases[i].message);
		assert_string_equal(name, "untouched");
		url_done(&url);
	}
}

/* What a process says that it was led to: with anything odd in it, it is no URL. */
static void test_show(void **state)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{"http://h/a.wmopkg", "http://h/a.wmopkg"},
		{"https://user:secret@h:8443/x/a.wmopkg?token=1#part",
		 "https://h:8443/x/a.wmopkg"},
		{"HTTPS://h", "https://h/"},
		{"gopher://h/a.wmopkg", NULL},
		{"http://h o/a.wmopkg", NULL},
		{"http://h/\x1b[2J", NULL},
		{"a.wmopkg", NULL},
		{"", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_free char *shown = url_show(cases[i].url);

		check_text(shown, cases[i].shown);
	}
}

static const struct protocol *protocol(const char *scheme)
{
	const struct protocol *found = protocol_find(scheme, strlen(scheme));

	assert_non_null(found);
	return found;
}

static void test_build(void **state)
{
	static const struct {
		const char *protocol, *address, *path, *url;
	} cases[] = {
		{"ftp", "192.0.2.1", "a.wmopkg", "ftp://192.0.2.1/a.wmopkg"},
		{"ftp", "192.0.2.1:2121", "x/a.wmopkg",
		 "ftp://192.0.2.1:2121/x/a.wmopkg"},
		{"ftp", "h", "/srv/a.wmopkg", "ftp://h//srv/a.wmopkg"},
		{"ftp", "h", "///srv/a.wmopkg", "ftp://h//srv/a.wmopkg"},
		{"tftp", "h", "x/a.wmopkg", "tftp://h/x/a.wmopkg"},
		{"tftp", "h", "/srv/a.wmopkg", "tftp://h//srv/a.wmopkg"},
		{"http", "h", "x/a.wmopkg", "http://h/x/a.wmopkg"},
		{"http", "h", "/x/a.wmopkg", "http://h/x/a.wmopkg"},
		{"http", "h", "../a.wmopkg", "http://h/../a.wmopkg"},
		{"http", "h", "http://other/a.wmopkg",
		 "http://h/http%3a//other/a.wmopkg"},
		{"https", "[2001:db8::1]", "a.wmopkg", "https://[2001:db8::1]/a.wmopkg"},
		{"https", "[2001:db8::1]:4430", "a.wmopkg",
		 "https://[2001:db8::1]:4430/a.wmopkg"},
		{"tftp", "[fe80::1%eth0]:6969", "a.wmopkg",
		 "tftp://[fe80::1%25eth0]:6969/a.wmopkg"},
		{"http", "h", "my files/50%/#1?;type=a/\xc3\xa4\x7f/a.wmopkg",
		 "http://h/my%20files/50%25/%231%3f%3btype%3da/%c3%a4%7f/a.wmopkg"},
		{"http",
		 "b\xc3\xbc"
		 "cher.example",
		 "a.wmopkg",
		 "http://b\xc3\xbc"
		 "cher.example/a.wmopkg"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err;
		struct url url = {0};

		check_ok(url_build(protocol(cases[i].protocol), cases[i].address,
				   cases[i].path, &url, &err),
			 &err);
		assert_string_equal(url.whole, cases[i].url);
		assert_string_equal(url.path, cases[i].path);
		url_done(&url);
	}
}

static void test_build_bad(void **state)
{
	static const struct {
		const char *address, *message;
	} cases[] = {
		{"", "'' is not an address: " EXPECTED},
		{"a b", "'a b' is not an address: " EXPECTED},
		{"user@h", "'user@h' is not an address: " EXPECTED},
		{"http://h", "http://h: '//h' is not a port: expected a number from 1 to "
			     "65535"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err = {0};
		struct url url = {0};

		assert_int_equal(url_build(protocol("ftp"), cases[i].address, "a.wmopkg",
					   &url, &err),
				 -22);
		check_error(&err, VERITY_E_USAGE, cases[i].message);
		assert_null(url.whole);
	}
}

static void test_protocol_unknown(void **state)
{
	const struct protocol *found = NULL;
	struct verity_error err = {0};

	(void)state;
	assert_int_equal(protocol_get("gopher", 6, &found, &err), -22);
	check_error(
		&err, VERITY_E_USAGE,
		"unknown protocol 'gopher'; expected one of ftp, tftp, scp, sftp, http, https");
	assert_null(found);
	assert_null(protocol_find("ft", 2));
	assert_null(protocol_find("ftps", 4));
	assert_ptr_equal(protocol_find("FTPs", 3), protocol("ftp"));
}

/* The words of the command line are those of the table. */
static void test_grammar(void **state)
{
	const struct protocol *found;
	struct verity_error err = {0};
	const char *listed;
	char text[128];
	char *rest = text;

	(void)state;
	assert_true(protocol_get("", 0, &found, &err) < 0);
	listed = strstr(err.message, "one of ");
	assert_non_null(listed);
	listed += strlen("one of ");
	snprintf(text, sizeof(text), "%s", word_info(WORD_PROTOCOL)->value + 1);
	text[strcspn(text, ">")] = '\0';
	for (const char *scheme; (scheme = strsep(&rest, "|"));) {
		size_t size = strlen(scheme);

		assert_int_equal(strncmp(listed, scheme, size), 0);
		listed += size;
		listed += strspn(listed, ", ");
	}
	assert_string_equal(listed, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),     cmocka_unit_test(test_parse_bad),
		cmocka_unit_test(test_show),      cmocka_unit_test(test_build),
		cmocka_unit_test(test_build_bad), cmocka_unit_test(test_protocol_unknown),
		cmocka_unit_test(test_grammar),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
