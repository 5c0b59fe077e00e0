/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdlib.h>
#include <string.h>

#include "installer/request/known_hosts.h"
#include "verity/util/cleanup.h"

/* Keys of ssh-keygen, and their fingerprints as `ssh-keygen -l` has them. */
#define ONE                                                                              \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF6bRVubfKtQ8kCQ+32lEY4XK6xRGWhm23kaZzn9QMIM"
#define TWO                                                                              \
	"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIF/7Fh7m77l2UzCCxQKRXEqHpDezGWhOu1bNrgZAYMHI"
#define CURVE                                                                            \
	"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBG974xVWCZ9afKC/hi2ESTQNRem/qQ/P7XTySAdecPkvK4uM53/0UsIP2Y+yQvS2u5YVJ9i2dSrGRJEQJikcVjI="
#define RSA_KEY                                                                          \
	"AAAAB3NzaC1yc2EAAAADAQABAAABAQDAQKyVvjvlZ8zUgQBeBwBbbEWWksoC8H/lw/5jetiA59h11jh7ZApt7N3kxdc2u4Wtc4Oh9dZORq2D+AGu4X6vDyCumd3hI3pLwfGuXtfbDpoFzKmFd7abDYw9WAUzLhf5cizyZwpJZA+lY+b1qGbMnyEU/m2QqcCvm4HSj4fQGCdTRzkfuAUrKHkSRmvlb2Oe0eUfd5hNp/z7XoN447VJ9viPOTEfc3qh0wG1gyWYSxWLjdWkDZM+8Mm1IcnBL8eekZnfqk1B2k8C+hRrdqkkUsOzgOfQX++IbKv//YuGzWvsdN9FRbMA6/bqyEHALZH7gsEPDsM1Y7qmUUIHLwln"
#define RSA         "ssh-rsa " RSA_KEY
#define ONE_PRINT   "SHA256:MM0XGq9dsTpjibmHHZdt/RaoMrShOB87lAZPJtYIps4"
#define CURVE_PRINT "SHA256:E/Le2QsRlDe6Zyn+6ZaGw1dbmstz4iuB3gFp5hI/cp4"
#define HASHED      "|1|pHjh9YlQo+M229Rt+5TkaMBSnf4=|TP3ZXn3NmA1YZ0wTLUlzKrWF5Sc= " ONE

/* The key of a line "TYPE BASE64". */
static struct known_hosts_key key_of(const char *line)
{
	struct known_hosts_key key;

	assert_true(known_hosts_key_take(strchr(line, ' ') + 1, 0, &key));
	return key;
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
		const char *line, *print, *name;
	} cases[] = {
		{ONE, ONE_PRINT, "ED25519"},
		{CURVE, CURVE_PRINT, "ECDSA"},
	};
	char print[KNOWN_HOSTS_FINGERPRINT_BYTES], type[KNOWN_HOSTS_TYPE_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct known_hosts_key key = key_of(cases[i].line);

		known_hosts_fingerprint(&key, print);
		assert_string_equal(print, cases[i].print);
		known_hosts_key_type(&key, type);
		assert_string_equal(known_hosts_type_name(type), cases[i].name);
	}
}

#define P "[192.0.2.1]:2222"

/* What libcurl is given of a file, and whether a line is left that may mean any host. */
static void test_filter(void **state)
{
	static const struct {
		const char *text, *lines;
		size_t unclear;
		const char *type;
		bool no_port;
	} cases[] = {
		{.text = "", .lines = ""},
		{.text = "\n\n# nothing\n", .lines = ""},
		{.text = P " " ONE, .lines = P "," P " " ONE "\n"},
		{.text = P " " ONE " somebody@somewhere\n",
		 .lines = P "," P " " ONE "\n"},
		{.text = "\r\n \t " P " \t" ONE "\r\n", .lines = P "," P " " ONE "\n"},
		{.text = "#" P " " ONE, .lines = ""},
		/* another port is another server */
		{.text = "192.0.2.1 " TWO, .lines = ""},
		{.text = "a,b," P ",c " ONE, .lines = P "," P " " ONE "\n"},
		{.text = "a,b," P ",c " ONE,
		 .lines = "a,a,b,b," P "," P ",c,c " ONE "\n",
		 .no_port = true},
		{.text = "Server.Example " ONE,
		 .lines = "server.example,server.example " ONE "\n",
		 .no_port = true},
		{.text = HASHED, .lines = HASHED "\n"},
		/* with a type, keys of every type */
		{.text = P " " TWO "\n" P " " CURVE,
		 .lines = P "," P " " TWO "\n" P "," P " " CURVE "\n"},
		{.text = P " " RSA, .lines = ""},
		{.text = P " " RSA,
		 .lines = P "," P " ssh-ed25519 " RSA_KEY "\n",
		 .type = "ssh-ed25519"},
		{.text = HASHED "\n", .lines = HASHED "\n", .type = "ssh-ed25519"},
		/* patterns may mean any host */
		{.text = "* " ONE, .lines = "", .unclear = 1},
		{.text = "\n" P " " ONE "\n*,!" P " " ONE "\n?",
		 .lines = P "," P " " ONE "\n",
		 .unclear = 3},
		{.text = "!other," P " " ONE, .lines = "", .unclear = 1},
		{.text = "[192.0.2.?]:2222 " ONE, .lines = "", .unclear = 1},
		/* markers */
		{.text = P " " ONE "\n@revoked * " ONE, .lines = P "," P " " ONE "\n"},
		{.text = "@revoked * " TWO, .lines = ""},
		{.text = "@cert-authority * " ONE, .lines = ""},
		{.text = "@strange " P " " ONE, .lines = "", .unclear = 1},
		{.text = "@revoked @strange " ONE, .lines = "", .unclear = 1},
		/* malformed, and nothing after it is lost */
		{.text = "a", .lines = "", .unclear = 1},
		{.text = "a ssh-ed25519\n" P " " ONE,
		 .lines = P "," P " " ONE "\n",
		 .unclear = 1},
		{.text = "@revoked\n", .lines = "", .unclear = 1},
		{.text = "a ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIA==",
		 .lines = "",
		 .unclear = 1},
		{.text = "a ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAA",
		 .lines = "",
		 .unclear = 1},
		{.text = "a ssh-ed25519 AAAAC3NzaC1lZDI1=TE5", .lines = "", .unclear = 1},
		{.text = "a ssh-ed25519 ====", .lines = "", .unclear = 1},
		{.text = "a ssh-ed25519 AAAA", .lines = "", .unclear = 1},
		{.text = ",a " ONE, .lines = "", .unclear = 1},
		{.text = "a,,b " ONE, .lines = "", .unclear = 1},
		{.text = "|1|AAAA|AAAA " ONE, .lines = "", .unclear = 1},
		{.text = "|1| " ONE, .lines = "", .unclear = 1},
		{.text = "|2|pHjh9YlQo+M229Rt+5TkaMBSnf4=|TP3ZXn3NmA1YZ0wTLUlzKrWF5Sc= " ONE,
		 .lines = "",
		 .unclear = 1},
		{.text = "|1|pHjh9YlQo+M229Rt+5TkaMBSnf4=|TP3ZXn3NmA1YZ0wTLUlzKrWF5S== " ONE,
		 .lines = "",
		 .unclear = 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct known_hosts_filter filter = {.has_port = !cases[i].no_port,
							  .type = cases[i].type};
		size_t unclear = 77;
		cleanup_free char *lines = known_hosts_filtered(
			cases[i].text, strlen(cases[i].text), &filter, &unclear);

		assert_string_equal(lines, cases[i].lines);
		assert_int_equal(unclear, cases[i].unclear);
	}
}

static void test_filter_rsa(void **state)
{
	const struct known_hosts_filter filter = {.has_rsa = true};
	size_t unclear;
	cleanup_free char *lines =
		known_hosts_filtered("ab " RSA, strlen("ab " RSA), &filter, &unclear);

	(void)state;
	assert_string_equal(lines, "ab,ab " RSA "\n");
}

static void test_find(void **state)
{
	static const struct {
		const char *text;
		size_t known, revoked;
	} cases[] = {
		{"", 0, 0},
		{"a " TWO "\n\nb " ONE "\nc,d,HOST " ONE "\nhost " ONE, 4, 0},
		{"host " ONE "\n@revoked * " ONE, 1, 2},
		{"@revoked other " ONE "\nhost " ONE, 2, 1},
		{"@revoked * " TWO "\n* " ONE "\n" HASHED, 3, 0},
		{"@cert-authority * " ONE, 0, 0},
		{"#@revoked * " ONE, 0, 0},
		{"\t@revoked\t*\t" ONE " why\r\n", 0, 1},
		{"@revoked", 0, 0},
		{"@revoked *", 0, 0},
	};
	struct known_hosts_key key = key_of(ONE);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = strlen(cases[i].text);

		assert_int_equal(known_hosts_find(cases[i].text, size, &key, "host"),
				 cases[i].known);
		assert_int_equal(known_hosts_find(cases[i].text, size, &key, NULL),
				 cases[i].revoked);
	}
}

/* A line that is too long is not given to libcurl, and hides no other. */
static void test_longest_line(void **state)
{
	static const char end[] = " " ONE "\nother " TWO;
	const struct known_hosts_filter filter = {0};
	size_t most = (KNOWN_HOSTS_LINE_MAX - strlen(ONE)) / 8;
	cleanup_free char *text = calloc(1, 5 * most + sizeof(end));
	size_t unclear;

	(void)state;
	for (size_t i = 0; i < most; i++)
		memcpy(text + 4 * i, "abc,", 4);
	strcpy(text + 4 * most - 1, end);
	for (int is_long = 0; is_long < 2; is_long++) {
		cleanup_free char *lines = NULL;

		if (is_long) {
			memmove(text + 8, text, strlen(text) + 1);
			memcpy(text, "abc,abc,", 8);
		}
		lines = known_hosts_filtered(text, strlen(text), &filter, &unclear);
		assert_int_equal(unclear, is_long);
		assert_int_equal(strncmp(lines, "abc", 3) == 0, !is_long);
		assert_non_null(strstr(lines, "other,other " TWO "\n"));
	}
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
		{"====", 0},
		{"AAAA", 0},
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
		cmocka_unit_test(test_fingerprint),  cmocka_unit_test(test_filter),
		cmocka_unit_test(test_filter_rsa),   cmocka_unit_test(test_find),
		cmocka_unit_test(test_longest_line), cmocka_unit_test(test_line),
		cmocka_unit_test(test_key_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
