/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/record/trials.h"

/* Whatever was remembered, a device comes up in the end: with no package at all. */
static void boot_on(struct overlay_trials *trials)
{
	struct overlay_candidate candidates[2] = {
		{.id = {1}, .entry = {.name = "a"}, .active = true},
		{.id = {2},
		 .entry = {.name = "b", .kind = OVERLAY_PERSISTENT},
		 .active = true},
	};
	const struct overlay_trials_boot boot = {
		.candidates = candidates, .count = 2, .listed = {true, true}, .limit = 3};

	bool bare = false;

	for (unsigned i = 0; i <= (OVERLAY_TRIALS_ROUNDS + 1) * boot.limit && !bare;
	     i++) {
		bare = true;
		for (size_t k = 0; k < boot.count; k++)
			candidates[k].quarantined = candidates[k].suspect = false;
		require(overlay_trials_begin(trials, &boot, NULL) >= 0);
		for (size_t k = 0; k < boot.count; k++)
			if (!candidates[k].quarantined && !candidates[k].suspect)
				bare = false;
	}
	require(bare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_trials trials, again;
	char *text;

	if (overlay_trials_decode(data, size, &trials, NULL) < 0)
		return 0;
	for (size_t i = 0; i < trials.count; i++) {
		require(verity_name_valid(trials.items[i].entry.name));
		require(trials.items[i].incomplete <= OVERLAY_TRIALS_COUNT_MAX);
	}
	/* What was read can be written, and reads the same again. */
	require(overlay_trials_encode(&trials, &text, NULL) == 0);
	require(overlay_trials_decode(text, strlen(text), &again, NULL) == 0);
	require(again.count == trials.count && again.completed == trials.completed &&
		again.idle == trials.idle && again.failed == trials.failed);
	overlay_trials_free(&again);
	boot_on(&trials);
	overlay_trials_free(&trials);
	free(text);
	return 0;
}
