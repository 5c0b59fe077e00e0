/* SPDX-License-Identifier: MIT */
#include "overlay/fs/protect.h"
#include "tests/check.h"

#include <stdio.h>

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
		{"usr/bin/wmopkg/x", true, false},
		{"usr/bin/wmopkg-build", false, false},
		{"usr/bin/wmopkg.bak", false, false},
		{"usr/sbin", false, true},
		{"usr/sbin/wmopkg-activate", true, false},
		/* each name in each folder of the usual PATHs */
		{"usr/sbin/wmopkg", true, false},
		{"bin", false, true},
		{"bin/wmopkg", true, false},
		{"sbin/wmopkg", true, false},
		{"sbin/wmopkg-activate", true, false},
		{"usr/bin/wmopkg-web", true, false},
		{"usr/bin/wmopkg-fetch", true, false},
		{"usr/sbin/wmopkg-shutdown", true, false},
		{"usr/local", false, true},
		{"/usr/local/bin/wmopkg", true, false},
		{"usr/local/sbin/wmopkg-activate", true, false},
		{"usr/local/bin/wmopkg-web", true, false},
		{"usr/local/bin/wmopkg-build", false, false},
		{"usr/local/lib", false, false},
		/* another name, on all file systems that overlayfs stacks */
		{"usr/bin/WMOPKG", false, false},
		{"usr/bin/Wmopkg", false, false},
		{"USR/bin/wmopkg", false, false},
		{"usr/share/wmopkg", false, false},
		{"usr/share/bash-completion/completions/wmopkg", false, false},
		{"home/etc/wmopkg", false, false},
		{"opt/usr/local/bin/wmopkg", false, false},
		/* where this build installs them */
		{WMOPKG_BINDIR, false, true},
		{WMOPKG_BINDIR "/wmopkg", true, false},
		{WMOPKG_SBINDIR "/wmopkg-activate", true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (overlay_protected_path(cases[i].path) != cases[i].protected)
			fail_msg("protected '%s'", cases[i].path);
		if (overlay_protected_parent(cases[i].path) != cases[i].parent)
			fail_msg("parent '%s'", cases[i].path);
	}
}

/* Links that a firmware with a merged /usr has; any other one leads programs elsewhere.
 */
static void test_alias(void **state)
{
	static const struct {
		const char *path, *target;
		bool alias;
	} cases[] = {
		{"bin", "usr/bin", true},
		{"bin", "/usr/bin", true},
		{"bin", "./usr//bin/", true},
		{"sbin", "usr/bin", true},
		{"usr/sbin", "bin", true},
		{"usr/sbin", "../usr/bin", true},
		{"usr/sbin", "../../../bin", true},
		{"usr/local/sbin", "../bin", true},
		{"usr/bin", "../bin", false},
		{"usr/local/bin", "../bin", false},
		{"bin", "bin", false},
		{"bin", ".", false},
		{"bin", "", false},
		{"bin", "opt/bin", false},
		{"bin", "usr", false},
		{"bin", "usr/bin/x", false},
		{"usr/local", "bin", false},
		{"usr", "bin", false},
		{"etc", "usr/bin", false},
		{"opt/bin", "usr/bin", false},
		{"usr/bin", "/tmp/usr/bin", false},
	};
	char long_target[5000];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (overlay_protected_alias(cases[i].path, cases[i].target) !=
		    cases[i].alias)
			fail_msg("'%s' -> '%s'", cases[i].path, cases[i].target);
	memset(long_target, '/', sizeof(long_target));
	strcpy(long_target + sizeof(long_target) - 8, "usr/bin");
	assert_false(overlay_protected_alias("bin", long_target));
}

static void test_program(void **state)
{
	static const struct {
		const char *path;
		bool program;
	} cases[] = {
		{"bin/wmopkg", true},
		{"opt/vendor/bin/wmopkg", true},
		{"opt/sbin/wmopkg-activate", true},
		{"root/bin/wmopkg-web", true},
		{"opt/bin/wmopkg-fetch", true},
		{"opt/sbin/wmopkg-shutdown", true},
		{"opt/cabin/wmopkg", false},
		{"opt/bin/wmopkg/x", false},
		{"opt/bin/wmopkg-build", false},
		{"usr/share/man/wmopkg", false},
		{"wmopkg", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (overlay_protected_program(cases[i].path) != cases[i].program)
			fail_msg("'%s'", cases[i].path);
}

static void test_table(void **state)
{
	static const char *const folders[] = {
		"bin",           "sbin",           "usr/bin",     "usr/sbin",
		"usr/local/bin", "usr/local/sbin", WMOPKG_BINDIR, WMOPKG_SBINDIR};
	static const char *const names[] = {"wmopkg", "wmopkg-activate", "wmopkg-fetch",
					    "wmopkg-shutdown", "wmopkg-web"};
	const struct overlay_protect own = {.paths = {"/opt/keys", "/opt/x"}, .count = 2};
	size_t count = 0, found = 0;
	char path[256];

	(void)state;
	for (const char *at; (at = overlay_protected_at(NULL, count)); count++)
		assert_true(overlay_protected_path(at));
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
			snprintf(path, sizeof(path), "%s/%s", folders[i], names[k]);
			for (size_t n = 0; n < count; n++)
				if (strcmp(overlay_protected_at(NULL, n), path) == 0) {
					found++;
					break;
				}
		}
	assert_int_equal(found, 40);
	assert_null(overlay_protected_at(NULL, count + 1));
	assert_string_equal(overlay_protected_at(&own, count), "/opt/keys");
	assert_string_equal(overlay_protected_at(&own, count + 1), "/opt/x");
	assert_null(overlay_protected_at(&own, count + 2));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_path),
		cmocka_unit_test(test_alias),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_table),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
