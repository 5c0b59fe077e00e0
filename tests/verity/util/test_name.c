/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/util/name.h"

#define X63 "123456789012345678901234567890123456789012345678901234567890123"

static void test_valid(void **state)
{
	static const struct {
		const char *name;
		bool valid;
	} cases[] = {
		{"a", true},      {"Z", true},       {"0", true},     {"a.b_c-d", true},
		{"", false},      {".a", false},     {"-a", false},   {"_a", false},
		{"a/b", false},   {"a b", false},    {"a\nb", false}, {"\xc3\xa4", false},
		{"a" X63, true},  {"ab" X63, false}, {"..", false},   {"a..", true},
		{"a\x7f", false}, {"a%s", false},    {"a;b", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (verity_name_valid(cases[i].name) != cases[i].valid)
			fail_msg("'%s'", cases[i].name);
}

static void test_from_path(void **state)
{
	char name[VERITY_NAME_MAX + 1] = "untouched";
	struct verity_error err;

	(void)state;
	assert_int_equal(verity_name_from_path("a.wmopkg", name, &err), 0);
	assert_string_equal(name, "a");
	assert_int_equal(verity_name_from_path("/x/y.z/b-1.0.wmopkg", name, &err), 0);
	assert_string_equal(name, "b-1.0");
	assert_int_equal(verity_name_from_path("/mnt/STICK/BRAND.WMOPKG", name, &err), 0);
	assert_string_equal(name, "BRAND");

	strcpy(name, "untouched");
	assert_true(verity_name_from_path("dir/a.zip", name, &err) < 0);
	check_error(&err, VERITY_E_BAD_NAME,
		    "dir/a.zip: the file's name does not end in .wmopkg");
	assert_true(verity_name_from_path(".wmopkg", name, &err) < 0);
	check_error(&err, VERITY_E_BAD_NAME, ".wmopkg: '' is not a valid package name");
	assert_true(verity_name_from_path("a/b c.wmopkg", name, &err) < 0);
	check_error(&err, VERITY_E_BAD_NAME,
		    "a/b c.wmopkg: 'b c' is not a valid package name");
	assert_true(verity_name_from_path("ab" X63 ".wmopkg", name, &err) < 0);
	check_error(&err, VERITY_E_BAD_NAME,
		    "ab" X63 ".wmopkg: the package's name is longer than 64 characters");
	assert_string_equal(name, "untouched");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_from_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
