/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

#include "installer/fetch/known_hosts.h"
#include "verity/util/cleanup.h"

/* Keys of ssh-keygen, and their fingerprints as `ssh-keygen -l` has them. */
#define ONE                                                                              \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6bRVubfKtQ8kCQ+32lEY4XK6xRGWhm23kaZzn9QMIM"
#define TWO                                                                              \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/7Fh7m77l2UzCCxQKRXEqHpDezGWhOu1bNrgZAYMHI"
#define CURVE                                                                            \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG974xVWCZ9afKC/hi2ESTQNRem/qQ/P7XTySAdecPkvK4uM53/0UsIP2Y+yQvS2u5YVJ9i2dSrGRJEQJikcVjI="
#define ONE_PRINT   "SHA256:MM0XGq9dsTpjibmHHZdt/RaoMrShOB87lAZPJtYIps4"
#define CURVE_PRINT "SHA256:E/Le2QsRlDe6Zyn+6ZaGw1dbmstz4iuB3gFp5hI/cp4"
#define HASHED      "|1|pHjh9YlQo+M229Rt+5TkaMBSnf4=|TP3ZXn3NmA1YZ0wTLUlzKrWF5Sc= " ONE

/* The key of a line "TYPE BASE64" is what the line is read as. */
static struct known_hosts_key key_of(const char *line)
{
	struct known_hosts_entry entry;
	cleanup_free char *text = NULL;
	size_t place = 0;
	size_t count = 0;

	assert_true(asprintf(&text, "* %s", line) > 0);
	assert_true(known_hosts_next(text, strlen(text), "x", &place, &count, &entry));
	return entry.key;
}

static void test_name(void **state)
{
	static const struct {
		const char *host;
		unsigned port;
		const char *name; /* NULL: it cannot be one */
	} cases[] = {
		{"192.0.2.1", 22, "192.0.2.1"},
		{"192.0.2.1", 2222, "[192.0.2.1]:2222"},
		{"Server.Example", 22, "server.example"},
		{"fe80::1%eth0", 22, "fe80::1%eth0"},
		{"::1", 65535, "[::1]:65535"},
		{"", 22, NULL},
		{"a b", 22, NULL},
		{"a\nb", 22, NULL},
		{"a,b", 22, NULL},
		{"a*", 22, NULL},
		{"!a", 22, NULL},
		{"|1|", 22, NULL},
		{"#a", 22, NULL},
		{"@revoked", 22, NULL},
	};
	char name[KNOWN_HOSTS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool can = known_hosts_name(cases[i].host, cases[i].port, name);

		assert_int_equal(can, cases[i].name != NULL);
		if (can)
			assert_string_equal(name, cases[i].name);
	}
}

static void test_longest_name(void **state)
{
	char host[KNOWN_HOSTS_NAME_MAX + 1];
	char name[KNOWN_HOSTS_NAME_MAX];

	(void)state;
	memset(host, 'a', sizeof(host));
	host[KNOWN_HOSTS_NAME_MAX - 1] = '\0';
	assert_true(known_hosts_name(host, 22, name));
	assert_false(known_hosts_name(host, 23, name));
	host[KNOWN_HOSTS_NAME_MAX - 1] = 'a';
	host[KNOWN_HOSTS_NAME_MAX] = '\0';
	assert_false(known_hosts_name(host, 22, name));
}

static void test_fingerprint(void **state)
{
	static const struct {
		const char *line, *print, *kind;
	} cases[] = {
		{ONE, ONE_PRINT, "ED25519"},
		{CURVE, CURVE_PRINT, "ECDSA"},
	};
	char print[KNOWN_HOSTS_FINGERPRINT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct known_hosts_key key = key_of(cases[i].line);

		known_hosts_fingerprint(&key, print);
		assert_string_equal(print, cases[i].print);
		assert_string_equal(known_hosts_key_kind(&key), cases[i].kind);
	}
}

/* Always asked: is [192.0.2.1]:2222 known with the key ONE? */
static void test_judge(void **state)
{
	static const struct {
		const char *text;
		enum known_hosts_verdict verdict;
		size_t line;
	} cases[] = {
		{"", KNOWN_HOSTS_UNKNOWN, 0},
		{"\n\n# nothing\n", KNOWN_HOSTS_UNKNOWN, 0},
		{"[192.0.2.1]:2222 " ONE, KNOWN_HOSTS_SAME, 1},
		{"[192.0.2.1]:2222 " ONE " somebody@somewhere\n", KNOWN_HOSTS_SAME, 1},
		{"\r\n \t [192.0.2.1]:2222 \t" ONE "\r\n", KNOWN_HOSTS_SAME, 2},
		{"#[192.0.2.1]:2222 " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		/* another port is another server */
		{"192.0.2.1 " TWO "\n[192.0.2.1]:22 " TWO, KNOWN_HOSTS_UNKNOWN, 0},
		{"192.0.2.1 " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"a,b,[192.0.2.1]:2222,c " ONE, KNOWN_HOSTS_SAME, 1},
		{"*,![192.0.2.1]:2222 " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"![192.0.2.1]:2222,* " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"!other,[192.0.2.?]:2* " ONE, KNOWN_HOSTS_SAME, 1},
		{"[192.0.2.?]:3* " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"!other " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"*.2.1]:*2*2 " ONE, KNOWN_HOSTS_SAME, 1},
		{HASHED, KNOWN_HOSTS_SAME, 1},
		/* changed, and by which line */
		{"[192.0.2.1]:2222 " TWO, KNOWN_HOSTS_OTHER, 1},
		{"[192.0.2.1]:2222 " CURVE "\n[192.0.2.1]:2222 " TWO, KNOWN_HOSTS_OTHER,
		 2},
		{"[192.0.2.1]:2222 " TWO "\n[192.0.2.1]:2222 " CURVE, KNOWN_HOSTS_OTHER,
		 1},
		{"[192.0.2.1]:2222 " CURVE, KNOWN_HOSTS_OTHER, 1},
		/* one of several is enough, wherever it stands */
		{"* " TWO "\n* " ONE "\n* " CURVE "\n", KNOWN_HOSTS_SAME, 2},
		/* unless it is revoked */
		{"* " ONE "\n@revoked * " ONE, KNOWN_HOSTS_REVOKED, 2},
		{"@revoked * " ONE "\n* " ONE, KNOWN_HOSTS_REVOKED, 1},
		{"@revoked * " TWO "\n* " ONE, KNOWN_HOSTS_SAME, 2},
		{"@revoked * " TWO, KNOWN_HOSTS_UNKNOWN, 0},
		{"@revoked other " ONE "\n* " ONE, KNOWN_HOSTS_SAME, 2},
		{"@cert-authority * " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"@strange * " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		/* what is no line */
		{"*", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-ed25519", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-ed25519 AAAAC3NzaC1lZDI1=TE5", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-ed25519 ====", KNOWN_HOSTS_UNKNOWN, 0},
		{"* ssh-ed25519 AAAA", KNOWN_HOSTS_UNKNOWN, 0},
		{"|1|AAAA|AAAA " ONE, KNOWN_HOSTS_UNKNOWN, 0},
		{"|1|", KNOWN_HOSTS_UNKNOWN, 0},
		{"|2|a " ONE, KNOWN_HOSTS_UNKNOWN, 0},
	};
	struct known_hosts_key key = key_of(ONE);
	struct known_hosts_entry entry;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		entry.line = 0;
		assert_int_equal(known_hosts_judge(cases[i].text, strlen(cases[i].text),
						   "[192.0.2.1]:2222", &key, &entry),
				 cases[i].verdict);
		assert_int_equal(entry.line, cases[i].line);
	}
}

/* A line that is too long knows nobody, and hides no other. */
static void test_longest_line(void **state)
{
	cleanup_free char *text = malloc(2 * KNOWN_HOSTS_LINE_MAX);
	struct known_hosts_key key = key_of(ONE);
	struct known_hosts_entry entry;
	size_t size = KNOWN_HOSTS_LINE_MAX;

	(void)state;
	memset(text, 'c', 2 * KNOWN_HOSTS_LINE_MAX);
	memcpy(text, "* " ONE " ", strlen("* " ONE " "));
	memcpy(text + size, "\n", 1);
	assert_int_equal(known_hosts_judge(text, size + 1, "a", &key, &entry),
			 KNOWN_HOSTS_SAME);
	text[size] = 'c';
	memcpy(text + size + 1, "\n* " TWO, strlen("\n* " TWO));
	assert_int_equal(
		known_hosts_judge(text, size + 1 + strlen("\n* " TWO), "a", &key, &entry),
		KNOWN_HOSTS_OTHER);
	assert_int_equal(entry.line, 2);
}

static void test_line(void **state)
{
	static const char *const lines[] = {ONE, CURVE};

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct known_hosts_key key = key_of(lines[i]);
		cleanup_free char *line = known_hosts_line("[::1]:22", &key);
		cleanup_free char *expected = NULL;

		assert_true(asprintf(&expected, "[::1]:22 %s\n", lines[i]) > 0);
		assert_string_equal(line, expected);
	}
}

static void test_key_bad(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{"", 0},
		{"\0\0\0", 3},
		{"\0\0\0\0", 4},
		{"\0\0\0\2a", 5},
		{"\xff\xff\xff\xff"
		 "aa",
		 6},
		{"\0\0\0\1 ", 5},
		{"\0\0\0\1\n", 5},
		{"\0\0\0\1\0", 5},
	};
	struct known_hosts_key key;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_false(known_hosts_key_take(cases[i].bytes, cases[i].size, &key));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_name),         cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_fingerprint),  cmocka_unit_test(test_judge),
		cmocka_unit_test(test_longest_line), cmocka_unit_test(test_line),
		cmocka_unit_test(test_key_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
