/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>
#include <string.h>

#include "installer/media/probe.h"

/* What a process says that a stranger may have taken over: texts may have no end. */
static void test_take(void **state)
{
	struct media_found found = {.type = "vfat", .volume = "STICK", .uuid = "12AB"};
	struct media_item item = {.name = "sdb1"};

	(void)state;
	assert_int_equal(media_probe_take(&found, &item), 0);
	assert_string_equal(item.type, "vfat");
	assert_string_equal(item.volume, "STICK");
	assert_string_equal(item.uuid, "12AB");
	found.failure = EIO;
	assert_int_equal(media_probe_take(&found, &item), -EIO);
}

static void test_malformed(void **state)
{
	static const struct media_found good = {.type = "vfat"};
	struct media_found cases[7] = {good, good, good, good, good, good, good};
	struct media_item item = {.type = "none"};

	(void)state;
	cases[0].failure = -1;
	cases[1].failure = 4096;
	memset(cases[2].type, 'x', sizeof(cases[2].type));
	memset(cases[3].volume, 'x', sizeof(cases[3].volume));
	memset(cases[4].uuid, 'x', sizeof(cases[4].uuid));
	cases[5].reserved = 2;
	cases[6].reserved = -1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(media_probe_take(&cases[i], &item), -EBADMSG);
		assert_string_equal(item.type, "none");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_malformed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
