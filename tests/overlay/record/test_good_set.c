/* SPDX-License-Identifier: MIT */
#include "overlay/record/good_set.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define O OVERLAY_ORDINARY
#define P OVERLAY_PERSISTENT

static struct overlay_state_entry entries[] = {
	{.entry = {"a", O}, .identity = "a", .root_hash = {1}, .active = true},
	{.entry = {"b", O}, .identity = "b", .root_hash = {2}, .active = false},
	{.entry = {"c", P}, .identity = "other", .root_hash = {3}, .active = true},
};

static const struct overlay_state state_of_boot = {.entries = entries, .count = 3};

static const struct overlay_good_set none;

static void test_take(void **state)
{
	cleanup_with(overlay_good_free) struct overlay_good_set set = {0}, again = {0};
	struct overlay_good asked = {{"a", O}, "a", {1}};
	cleanup_free char *text = NULL;
	struct verity_error err;

	(void)state;
	check_ok(overlay_good_take(&state_of_boot, &none, &set, &err), &err);
	assert_int_equal(set.count, 2);
	assert_true(
		overlay_good_has(&set, &asked.entry, asked.identity, asked.root_hash));
	asked.root_hash[0] = 9;
	assert_false(
		overlay_good_has(&set, &asked.entry, asked.identity, asked.root_hash));
	asked = (struct overlay_good){{"a", P}, "a", {1}};
	assert_false(
		overlay_good_has(&set, &asked.entry, asked.identity, asked.root_hash));
	asked = (struct overlay_good){{"b", O}, "b", {2}};
	assert_false(
		overlay_good_has(&set, &asked.entry, asked.identity, asked.root_hash));
	check_ok(overlay_good_encode(&set, &text, &err), &err);
	check_ok(overlay_good_decode(text, strlen(text), &again, &err), &err);
	assert_true(overlay_good_equal(&set, &again));
	again.items[1].root_hash[31] ^= 1;
	assert_false(overlay_good_equal(&set, &again));
	again.count--;
	assert_false(overlay_good_equal(&set, &again));
}

/* What a boot could not use for a limit is no worse than before. */
static void test_passed_over(void **state)
{
	struct overlay_good items[] = {
		{{"a", O}, "a", {7}},
		{{"b", O}, "b", {2}},
		{{"gone", O}, "gone", {4}},
		{{"kept", P}, "kept", {5}},
	};
	struct overlay_good_set before = {items, 4};
	struct overlay_state boot = {.entries = entries, .count = 2};
	cleanup_with(overlay_good_free) struct overlay_good_set set = {0}, all = {0};
	struct verity_error err;

	(void)state;
	entries[1].reason.code = VERITY_E_NO_MEMORY;
	check_ok(overlay_good_take(&boot, &before, &set, &err), &err);
	/* a as it is now, b, and that of a store that was not read */
	assert_int_equal(set.count, 3);
	assert_int_equal(set.items[0].root_hash[0], 1);
	assert_string_equal(set.items[1].entry.name, "b");
	assert_string_equal(set.items[2].entry.name, "kept");
	boot.unlisted[O].over = 1;
	check_ok(overlay_good_take(&boot, &before, &all, &err), &err);
	assert_int_equal(all.count, 4);
	entries[1].reason.code = VERITY_E_REVOKED;
	overlay_good_free(&all);
	check_ok(overlay_good_take(&boot, &before, &all, &err), &err);
	assert_int_equal(all.count, 3);
	entries[1].reason.code = VERITY_OK;
}

static void test_refused(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{\"type\":\"trials\",\"format\":1,\"packages\":[]}",
		"{\"type\":\"good\",\"format\":2,\"packages\":[]}",
		"{\"type\":\"good\",\"format\":1}",
		("{\"type\":\"good\",\"format\":1,\"packages\":[{\"name\":\"../x\","
		 "\"persistent\":true,\"identity\":\"x\",\"root_hash\":\"00\"}]}"),
	};
	struct overlay_good_set set = {0};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
			overlay_good_decode(texts[i], strlen(texts[i]), &set, &err),
			-EBADMSG);
}

static void test_file(void **state)
{
	cleanup_with(overlay_good_free) struct overlay_good_set set = {0}, again = {0};
	cleanup_fd int here = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct verity_error err;

	(void)state;
	check_ok(overlay_good_load(-1, &again, &err), &err);
	check_ok(overlay_good_load(here, &again, &err), &err);
	assert_int_equal(again.count, 0);
	check_ok(overlay_good_take(&state_of_boot, &none, &set, &err), &err);
	assert_int_equal(overlay_good_store(-1, &set, &err), -ENOENT);
	check_ok(overlay_good_store(here, &set, &err), &err);
	check_ok(overlay_good_load(here, &again, &err), &err);
	assert_true(overlay_good_equal(&set, &again));
	scratch_write("good.json", "{");
	assert_int_equal(overlay_good_load(here, &again, &err), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_take),
		cmocka_unit_test(test_passed_over),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
