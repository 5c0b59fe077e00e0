/* SPDX-License-Identifier: MIT */
#include <fnmatch.h>
#include <stdlib.h>

#include "tests/check.h"
#include "verity/util/glob.h"

#define ROUNDS 200000

static void test_table(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool fits;
	} table[] = {
		{"", "", true},
		{"", "a", false},
		{"*", "", true},
		{"*", "anything at all/with.dots", true},
		{"EDS-*", "EDS-408A", true},
		{"EDS-*", "EDS-", true},
		{"EDS-*", "eds-408A", false},
		{"*-408?", "EDS-408A", true},
		{"*-408?", "EDS-408", false},
		{"*A*B*C", "xAxBxAxBC", true},
		{"*A*B*C", "xAxBxCx", false},
		{"EDS-[0-9]", "EDS-7", true},
		{"EDS-[0-9]", "EDS-x", false},
		{"EDS-[!0-9]", "EDS-x", true},
		{"EDS-[!0-9]", "EDS-7", false},
		{"EDS-[^0-9]", "EDS-7", false},
		{"[]a]", "]", true},
		{"[!]a]", "]", false},
		{"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[a-c-e]", "-", true},
		{"[z-a]", "m", false},
		/* an unclosed one is itself */
		{"[", "[", true},
		{"[ab", "[ab", true},
		{"[ab", "a", false},
		{"a[]", "a[]", true},
		{"[!", "[!", true},
		{"*[a", "xx[a", true},
		/* nothing else is special */
		{"a\\*", "a\\b", true},
		{"a\\*", "a*", false},
		{"{a,b}", "a", false},
		{"*", "\xc3\xa4", true},
		{"?", "\xc3\xa4", false},
		{"??", "\xc3\xa4", true},
		{"[\x80-\xff]?", "\xc3\xa4", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (verity_glob_match(table[i].pattern, table[i].text) != table[i].fits)
			fail_msg("'%s' and '%s'", table[i].pattern, table[i].text);
}

static void fill(char *ret, size_t most, const char *alphabet, unsigned *seed)
{
	size_t size = (size_t)rand_r(seed) % (most + 1);

	for (size_t i = 0; i < size; i++)
		ret[i] = alphabet[(size_t)rand_r(seed) % strlen(alphabet)];
	ret[size] = '\0';
}

/* Where fnmatch() and we mean the same: no set that is empty, unclosed or backwards. */
static void test_as_fnmatch(void **state)
{
	static const char *const pieces[] = {"a",     "b",      "-",    "*",
					     "*",     "?",      "[ab]", "[!ab]",
					     "[a-c]", "[!b-c]", "[]a]", "[!]-]"};
	unsigned seed = 1;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char pattern[64] = "", text[9];
		int count = rand_r(&seed) % 8;

		for (int j = 0; j < count; j++)
			strcat(pattern, pieces[(size_t)rand_r(&seed) % 12]);
		fill(text, sizeof(text) - 1, "abc-]", &seed);
		if (verity_glob_match(pattern, text) !=
		    (fnmatch(pattern, text, FNM_NOESCAPE) == 0))
			fail_msg("'%s' and '%s'", pattern, text);
	}
}

/* Whatever the bytes: an answer, and nothing read that is not there (ASan). */
static void test_any_bytes(void **state)
{
	unsigned seed = 2;

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		char pattern[17], text[9], *exact_pattern, *exact_text;

		fill(pattern, 16, "a*?[]!^-\xff", &seed);
		fill(text, 8, "a*[]!^-\xff", &seed);
		exact_pattern = strdup(pattern);
		exact_text = strdup(text);
		(void)verity_glob_match(exact_pattern, exact_text);
		free(exact_pattern);
		free(exact_text);
	}
}

/* Where one that goes back for every star would take 10^40 steps and more. */
static void test_hostile(void **state)
{
	char pattern[4097], text[4097];

	(void)state;
	memset(text, 'a', 4096);
	text[4096] = '\0';
	for (int i = 0; i < 4096; i++)
		pattern[i] = i % 2 ? 'a' : '*';
	strcpy(pattern + 4090, "b");
	assert_false(verity_glob_match(pattern, text));
	memset(pattern, '*', 4096);
	strcpy(pattern + 4090, "b");
	assert_false(verity_glob_match(pattern, text));
	memset(pattern, '[', 128);
	memcpy(pattern, "*", 1);
	pattern[128] = '\0';
	memset(text, '[', 4096);
	text[4095] = 'x';
	assert_false(verity_glob_match(pattern, text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_as_fnmatch),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
