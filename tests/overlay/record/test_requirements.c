/* SPDX-License-Identifier: MIT */
#include "overlay/record/requirements.h"

#include <errno.h>
#include <stdio.h>

#include "tests/check.h"
#include "tests/overlay/scratch.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

static void test_persist(void **state)
{
	static const struct {
		bool required, mounted, read, lost;
		const char *message; /* NULL: it is met */
	} cases[] = {
		{false, false, false, false, NULL},
		{false, true, false, false, NULL},
		{false, true, true, true, NULL},
		{true, true, true, false, NULL},
		{true, false, false, false,
		 "PERSIST (LABEL=p) is required, and is not mounted"},
		{true, false, true, false,
		 "PERSIST (LABEL=p) is required, and is not mounted"},
		{true, true, false, true,
		 "PERSIST (LABEL=p) is required, and cannot be read"},
		{true, true, true, true,
		 "PERSIST (LABEL=p) is required, and not all of its records can be used: "
		 "why"},
	};
	static const struct verity_error lost = {VERITY_E_IO, "why"};
	char persist[] = "LABEL=p";

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct overlay_config config = {
			.persist = persist, .require_persist = cases[i].required};
		struct verity_error err = {.code = VERITY_OK};
		int r = overlay_requirements_persist(&config, cases[i].mounted,
						     cases[i].read,
						     cases[i].lost ? &lost : NULL, &err);

		assert_int_equal(r, cases[i].message ? -EPERM : 0);
		if (cases[i].message)
			check_error(&err, VERITY_E_REQUIRED, cases[i].message);
		assert_int_equal(overlay_requirements_exist(&config), cases[i].required);
	}
}

#define NOT_BOTH "the package a is required, and is not both Signed and active: "

/* One file, or two that have the same name in their manifests. */
static void test_packages(void **state)
{
	static const struct overlay_state_entry signed_a = {.entry = {.name = "file"},
							    .identity = "a",
							    .verdict = VERITY_SIGNED,
							    .active = true};
	static const struct overlay_state_entry verified_a = {
		.identity = "a", .verdict = VERITY_SIGNED, .reason = {VERITY_OK, ""}};
	static const struct overlay_state_entry unsigned_a = {
		.identity = "a",
		.verdict = VERITY_UNSIGNED,
		.active = true,
		.reason = {VERITY_E_NO_SIGNATURE, "why"}};
	static const struct overlay_state_entry disabled_a = {
		.identity = "a",
		.verdict = VERITY_SIGNED,
		.reason = {VERITY_E_DISABLED, "why"}};
	static const struct overlay_state_entry named_a = {.entry = {.name = "a"},
							   .identity = "b",
							   .verdict = VERITY_SIGNED,
							   .active = true};
	/* Of one whose manifest cannot be read, the name is not known. */
	static const struct overlay_state_entry invalid = {
		.entry = {.name = "a"},
		.verdict = VERITY_INVALID,
		.reason = {VERITY_E_BAD_MAGIC, "why"}};
	static const struct {
		const struct overlay_state_entry *first, *second;
		const char *verified, *stacked; /* the message; NULL: it is met */
	} cases[] = {
		{&signed_a, NULL, NULL, NULL},
		{&verified_a, NULL, NULL, NOT_BOTH "ok: "},
		{&unsigned_a, NULL, NOT_BOTH "no-signature: why",
		 NOT_BOTH "no-signature: why"},
		{&disabled_a, NULL, NOT_BOTH "disabled: why", NOT_BOTH "disabled: why"},
		{&disabled_a, &signed_a, NULL, NULL},
		{&signed_a, &disabled_a, NULL, NULL},
		{&disabled_a, &unsigned_a, NOT_BOTH "disabled: why",
		 NOT_BOTH "disabled: why"},
		{&named_a, &invalid, "the package a is required, and is not installed",
		 "the package a is required, and is not installed"},
		{&named_a, &signed_a, NULL, NULL},
	};
	const struct overlay_config config = {.require_packages = {"a"},
					      .require_packages_count = 1};

	(void)state;
	assert_true(overlay_requirements_exist(&config));
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct overlay_state_entry entries[2] = {*cases[i].first};
		const struct overlay_state found = {.entries = entries,
						    .count = cases[i].second ? 2 : 1};

		if (cases[i].second)
			entries[1] = *cases[i].second;
		for (int stacked = 0; stacked < 2; stacked++) {
			const char *message =
				stacked ? cases[i].stacked : cases[i].verified;
			struct verity_error err = {.code = VERITY_OK};
			int r = overlay_requirements_packages(&config, &found, stacked,
							      &err);

			print_message("case %zu, %d\n", i, stacked);
			assert_int_equal(r, message ? -EPERM : 0);
			if (message)
				check_error(&err, VERITY_E_REQUIRED, message);
		}
	}
}

/* All of them are needed; the message names the first that is missing. */
static void test_several(void **state)
{
	struct overlay_config config = {.require_packages = {"a", "b"},
					.require_packages_count = 2};
	struct overlay_state_entry entries[] = {
		{.identity = "a", .verdict = VERITY_SIGNED, .active = true},
		{.identity = "b", .verdict = VERITY_SIGNED, .active = true},
	};
	struct overlay_state found = {.entries = entries, .count = 2};
	struct verity_error err;

	(void)state;
	check_ok(overlay_requirements_packages(&config, &found, true, &err), &err);
	found.count = 1;
	assert_int_equal(overlay_requirements_packages(&config, &found, true, &err),
			 -EPERM);
	check_error(&err, VERITY_E_REQUIRED,
		    "the package b is required, and is not installed");
	config.require_packages_count = 0;
	found.count = 0;
	check_ok(overlay_requirements_packages(&config, &found, true, &err), &err);
	assert_false(overlay_requirements_exist(&config));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_persist),
		cmocka_unit_test(test_packages),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
