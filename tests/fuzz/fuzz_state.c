/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/record/state.h"
#include "verity/util/text.h"

static void require_span(const struct overlay_span *span)
{
	require(span->start_us <= span->end_us && span->end_us <= OVERLAY_CLOCK_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_state state, again;
	char *text;

	if (overlay_state_decode((const char *)data, size, &state, NULL) < 0)
		return 0;
	for (size_t i = 0; i < state.count; i++) {
		const struct overlay_state_entry *e = &state.entries[i];

		require(verity_name_valid(e->entry.name));
		require(verity_text_printable(e->version, strlen(e->version)));
		require(verity_text_printable(e->description, strlen(e->description)));
		require_span(&e->judging);
		require_span(&e->attaching);
	}
	for (size_t i = 0; i < OVERLAY_STEPS; i++)
		require_span(&state.steps[i]);
	/* What was read can be written, and reads the same again. */
	require(overlay_state_encode(&state, &text, NULL) == 0);
	require(overlay_state_decode(text, strlen(text), &again, NULL) == 0);
	require(again.count == state.count && again.safe == state.safe);
	require(memcmp(again.steps, state.steps, sizeof(state.steps)) == 0);
	overlay_state_free(&again);
	overlay_state_free(&state);
	free(text);
	return 0;
}
