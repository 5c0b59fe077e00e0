/* SPDX-License-Identifier: MIT */
#include "overlay/stack/existing_options.h"
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* "LOWER|LOWER^UPPER^WORK", or the message. */
static void describe(const struct overlay_former_options *options, char *ret, size_t size)
{
	size_t used = 0;

	for (size_t i = 0; i < options->count; i++)
		used += (size_t)snprintf(ret + used, size - used, "%s%s", i ? "|" : "",
					 options->lowers[i]);
	if (options->upper)
		snprintf(ret + used, size - used, "^%s^%s", options->upper,
			 options->work);
}

static void test_parse(void **state)
{
	static const struct {
		const char *text, *found;
	} cases[] = {
		{"ro,lowerdir=/a:/b", "/a|/b"},
		{"rw,relatime,lowerdir=/a,upperdir=/u,workdir=/w", "/a^/u^/w"},
		{"rw,lowerdir+=/a,lowerdir+=/b,upperdir=/u,workdir=/w,uuid=on",
		 "/a|/b^/u^/w"},
		/* the kernel's escapes: blank, tab, line end, comma, equals, backslash */
		{"ro,lowerdir=/a\\040b:/c\\011d\\012e:/f\\054g\\075h",
		 "/a b|/c\td\ne|/f,g=h"},
		/* overlayfs's own, within the kernel's */
		{"ro,lowerdir=/a\\134:b:/c", "/a:b|/c"},
		{"ro,lowerdir=/a\\134\\134b:/c", "/a\\b|/c"},
		{"ro,lowerdir=/a\\134\\054b:/c", "/a,b|/c"},
		/* one by one there are none */
		{"ro,lowerdir+=/a:b,lowerdir+=/c\\134d", "/a:b|/c\\d"},
		{"rw,lowerdir=/a,upperdir=/u\\040v:x,workdir=/w\\134:",
		 "/a^/u v:x^/w\\:"},
		{"ro,lowerdir=/a:/b,redirect_dir=nofollow,xino=off,index=off", "/a|/b"},
		{"ro,lowerdir=/a\\1:/b\\", "/a1|/b\\"},
		{"ro,lowerdir=/a::/b", "it has lower folders of data alone"},
		{"ro,lowerdir=:/b", "it has lower folders of data alone"},
		{"ro,lowerdir+=/a,datadir+=/b", "it is mounted with datadir+"},
		{"rw,lowerdir=/a,upperdir=/u,workdir=/w,volatile",
		 "it is mounted with volatile"},
		{"rw,lowerdir=/a,upperdir=/u,workdir=/w,userxattr",
		 "it is mounted with userxattr"},
		{"ro,lowerdir=/a:/b,verity=require", "it is mounted with verity=require"},
		{"ro", "the kernel does not show what it is made of"},
		{"", "the kernel does not show what it is made of"},
		{"rw,lowerdir=/a,upperdir=/u",
		 "the kernel does not show what it is made of"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct overlay_former_options options = {0};
		struct verity_error err = {0};
		char found[256] = "";
		int r = overlay_former_options_parse(cases[i].text, &options, &err);

		if (r < 0)
			snprintf(found, sizeof(found), "%s", err.message);
		else
			describe(&options, found, sizeof(found));
		if (strcmp(found, cases[i].found) != 0)
			fail_msg("'%s': '%s'", cases[i].text, found);
		assert_true(r == 0 || err.code == VERITY_E_STACK);
		overlay_former_options_free(&options);
	}
}

static void test_features(void **state)
{
	struct overlay_former_options options = {0};
	struct verity_error err = {0};

	(void)state;
	check_ok(overlay_former_options_parse(
			 "ro,lowerdir=/a:/b,redirect_dir=on,index=off", &options, &err),
		 &err);
	assert_int_equal(options.features[OVERLAY_FORMER_REDIRECT], OVERLAY_FORMER_ON);
	assert_int_equal(options.features[OVERLAY_FORMER_INDEX], OVERLAY_FORMER_OFF);
	assert_int_equal(options.features[OVERLAY_FORMER_METACOPY],
			 OVERLAY_FORMER_UNSAID);
	assert_string_equal(overlay_former_feature_name(OVERLAY_FORMER_REDIRECT),
			    "redirect_dir");
	overlay_former_options_free(&options);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
