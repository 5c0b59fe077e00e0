/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <errno.h>
#include <string.h>

#include "overlay/store/volume_find.h"
#include "tests/overlay/scratch.h"

#define PLUGGED  OVERLAY_RANK_PLUGGED
#define BUILT_IN OVERLAY_RANK_BUILT_IN
#define ROOT     OVERLAY_RANK_ROOT
#define MOUNTED  OVERLAY_RANK_MOUNTED

/* Devices of one name: "PATH RANK [lies on PATH]", and which of them is meant. */
static void test_choose(void **state)
{
	static const struct {
		struct {
			enum overlay_volume_rank rank;
			dev_t on[2]; /* itself, and what it lies on */
		} devices[3];
		bool exact;
		int r;
		size_t best, other;
	} cases[] = {
		{{{0}}, false, -ENOENT, 9, 9},
		{{{BUILT_IN, {1}}}, false, 0, 0, 1},
		{{{ROOT, {1}}}, false, 0, 0, 1},
		{{{MOUNTED, {1}}}, false, 0, 0, 1},
		/* a stick, also where nothing else has the name */
		{{{PLUGGED, {1}}}, false, -ENOENT, 9, 9},
		{{{PLUGGED, {1}}}, true, 0, 0, 1},
		{{{PLUGGED, {1}}, {BUILT_IN, {2}}}, false, 0, 1, 2},
		{{{BUILT_IN, {1}}, {PLUGGED, {2}}}, true, 0, 0, 2},
		/* a device that boots from an SD card */
		{{{PLUGGED, {1}}, {ROOT, {2}}}, false, 0, 1, 2},
		{{{ROOT, {1}}, {BUILT_IN, {2}}, {PLUGGED, {3}}}, true, 0, 0, 3},
		/* what is mounted is not asked for again */
		{{{MOUNTED, {1}}, {ROOT, {2}}, {BUILT_IN, {3}}}, false, 0, 0, 3},
		/* two of them */
		{{{BUILT_IN, {1}}, {BUILT_IN, {2}}}, false, -EEXIST, 0, 1},
		{{{BUILT_IN, {1}}, {BUILT_IN, {2}}}, true, -EEXIST, 0, 1},
		{{{ROOT, {1}}, {BUILT_IN, {2}}, {ROOT, {3}}}, false, -EEXIST, 0, 2},
		{{{PLUGGED, {1}}, {PLUGGED, {2}}}, true, -EEXIST, 0, 1},
		{{{BUILT_IN, {1}}, {BUILT_IN, {2}}, {ROOT, {3}}}, false, 0, 2, 3},
		/* the disks of a mirror, and the mirror */
		{{{BUILT_IN, {1}}, {BUILT_IN, {3, 1}}}, false, 0, 1, 2},
		{{{BUILT_IN, {3, 1}}, {ROOT, {1}}}, false, 0, 0, 2},
	};
	struct overlay_volume_match matches[3];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t best = 9, other = 9, count = 0;

		while (count < 3 && cases[i].devices[count].on[0]) {
			struct overlay_volume_match *match = &matches[count];

			*match = (struct overlay_volume_match){
				.rank = cases[i].devices[count].rank, .on.count = 2};
			memcpy(match->on.devices, cases[i].devices[count++].on,
			       sizeof(cases[i].devices[0].on));
			if (match->on.devices[1] == 0)
				match->on.count = 1;
		}
		if (overlay_volume_choose(matches, count, cases[i].exact, &best,
					  &other) != cases[i].r ||
		    best != cases[i].best || other != cases[i].other)
			fail_msg("case %zu: %zu, %zu", i, best, other);
	}
}

static void test_bad(void **state)
{
	static const struct overlay_volume nonsense = {"nonsense", "m", "/", false},
					   label = {"LABEL=no-such-label-anywhere", "m",
						    "/"},
					   partition = {
						   "PARTLABEL=no-such-label-anywhere",
						   "m", "/"};
	struct verity_error err;
	char *device;

	(void)state;
	assert_int_equal(overlay_volume_find(&nonsense, &device, &err), -EINVAL);
	check_error(&err, VERITY_E_CONFIG, "nonsense: not a folder or device");
	assert_int_equal(overlay_volume_find(&label, &device, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "LABEL=no-such-label-anywhere: there is no such file system");
	assert_int_equal(overlay_volume_find(&partition, &device, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "PARTLABEL=no-such-label-anywhere: there is no such partition");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, scratch_enter, scratch_leave);
}
