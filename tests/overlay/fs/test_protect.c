/* SPDX-License-Identifier: MIT */
#include "overlay/fs/protect.h"
#include "tests/check.h"

static void test_path(void **state)
{
	static const struct {
		const char *path;
		bool protected;
		bool parent;
	} cases[] = {
		{"", false, true},
		{"/", false, true},
		{"etc", false, true},
		{"/etc", false, true},
		{"etc/wmopkg", true, false},
		{"//etc/wmopkg", true, false},
		{"etc/wmopkg/keys/a.pem", true, false},
		{"etc/wmopkgs", false, false},
		{"etc/wmopk", false, false},
		{"etcetera", false, false},
		{"usr", false, true},
		{"usr/bin", false, true},
		{"usr/bin/wmopkg", true, false},
		{"usr/bin/wmopkg-build", false, false},
		{"usr/sbin", false, true},
		{"usr/sbin/wmopkg-activate", true, false},
		{"usr/sbin/wmopkg", false, false},
		{"usr/share/wmopkg", false, false},
		{"home/etc/wmopkg", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (overlay_protected_path(cases[i].path) != cases[i].protected)
			fail_msg("protected '%s'", cases[i].path);
		if (overlay_protected_parent(cases[i].path) != cases[i].parent)
			fail_msg("parent '%s'", cases[i].path);
	}
}

static void test_table(void **state)
{
	size_t count = 0;

	(void)state;
	for (const char *path; (path = overlay_protected_at(count)); count++)
		assert_true(overlay_protected_path(path));
	assert_int_equal(count, 3);
	assert_null(overlay_protected_at(count + 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
