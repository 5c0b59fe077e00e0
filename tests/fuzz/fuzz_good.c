/* SPDX-License-Identifier: MIT */
/* The last good set, as whoever writes to PERSIST may have left it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/record/good_set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_good_set set, again;
	char *text;

	if (overlay_good_decode(data, size, &set, NULL) < 0)
		return 0;
	for (size_t i = 0; i < set.count; i++) {
		require(verity_name_valid(set.items[i].entry.name));
		require(overlay_good_has(&set, &set.items[i].entry, set.items[i].identity,
					 set.items[i].root_hash));
	}
	/* What was read can be written, and reads the same again. */
	require(overlay_good_encode(&set, &text, NULL) == 0);
	require(overlay_good_decode(text, strlen(text), &again, NULL) == 0);
	require(overlay_good_equal(&set, &again));
	overlay_good_free(&again);
	overlay_good_free(&set);
	free(text);
	return 0;
}
