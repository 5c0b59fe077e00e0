/* SPDX-License-Identifier: MIT */
#include "overlay/bootconf.h"
#include <errno.h>
#include <stdio.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

static void test_switches(void **state)
{
	static const struct {
		const char *text;
		bool allow_untrusted;
		bool safe;
	} cases[] = {
		{"", false, false},
		{"root=/dev/sda1 ro quiet", false, false},
		{"wmopkg.safe", false, true},
		{"quiet wmopkg.safe=1 ro\n", false, true},
		{"wmopkg.safe=0", false, false},
		{"wmopkg.safe=yes", false, false},
		{"wmopkg.safe=", false, false},
		{"wmopkg.safe=11", false, false},
		{"wmopkg.safe wmopkg.safe=0", false, false},
		{"wmopkg.safe=1 wmopkg.safe=maybe", false, true},
		{"wmopkg.safety=1 xwmopkg.safe=1", false, false},
		{"wmopkg.allow_untrusted=1", true, false},
		{"wmopkg.allow_untrusted", false, false},
		{"wmopkg.allow_untrusted=true", false, false},
		{"wmopkg.allow_untrusted=1 wmopkg.allow_untrusted=0", false, false},
		{"WMOPKG.ALLOW_UNTRUSTED=1", false, false},
		{"wmopkg.allow_untrusted=\"1\"", true, false},
		{"\"wmopkg.allow_untrusted=1\"", true, false},
		{"note=\"x wmopkg.allow_untrusted=1 y\"", false, false},
		{"note=\"open wmopkg.safe", false, false},
		{"\twmopkg.safe\t\twmopkg.allow_untrusted=1 ", true, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (conf.allow_untrusted != cases[i].allow_untrusted ||
		    conf.safe != cases[i].safe)
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_disable(void **state)
{
	static const struct {
		const char *text;
		size_t count;
		const char *disabled;
	} cases[] = {
		{"wmopkg.disable=a", 1, "a"},
		{"wmopkg.disable=a,b-1.0,c", 3, "b-1.0"},
		{"wmopkg.disable=a wmopkg.disable=b", 2, "b"},
		{"wmopkg.disable=a,a,a", 1, "a"},
		{"wmopkg.disable=,,a,", 1, "a"},
		{"wmopkg.disable=\"a,b\"", 2, "b"},
		{"wmopkg.disable=../x,/etc,.y,z", 1, "z"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct overlay_bootconf conf;

		overlay_bootconf_decode(cases[i].text, strlen(cases[i].text), &conf);
		if (conf.disabled_count != cases[i].count ||
		    !overlay_bootconf_disabled(&conf, cases[i].disabled) ||
		    overlay_bootconf_disabled(&conf, "other"))
			fail_msg("'%s'", cases[i].text);
	}
}

static void test_limits(void **state)
{
	static char text[OVERLAY_CMDLINE_MAX];
	struct overlay_bootconf conf;
	size_t size = (size_t)snprintf(text, sizeof(text), "wmopkg.disable=");

	(void)state;
	for (int i = 0; i < 1000; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "n%d,", i);
	overlay_bootconf_decode(text, size, &conf);
	assert_int_equal(conf.disabled_count, OVERLAY_DISABLED_MAX);

	/* not 0-terminated, and 0 bytes within */
	overlay_bootconf_decode("wmopkg.safe\0wmopkg.allow_untrusted=1X", 36, &conf);
	assert_true(conf.safe && conf.allow_untrusted);
}

static void test_load(void **state)
{
	struct overlay_bootconf conf = {.safe = true};
	struct verity_error err;

	(void)state;
	scratch_write("cmdline", "quiet wmopkg.allow_untrusted=1\n");
	check_ok(overlay_bootconf_load("cmdline", &conf, &err), &err);
	assert_true(conf.allow_untrusted);
	assert_false(conf.safe);
	check_ok(overlay_bootconf_load("/proc/cmdline", &conf, &err), &err);
	conf.safe = true;
	assert_int_equal(overlay_bootconf_load("not-there", &conf, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "not-there: No such file or directory");
	assert_true(conf.safe);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_switches),
		cmocka_unit_test(test_disable),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_load),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
