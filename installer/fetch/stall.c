/* SPDX-License-Identifier: MIT */
#include "installer/fetch/stall.h"

#include <inttypes.h>

void source_pace_begin(struct source_pace *pace, int64_t now_ms)
{
	*pace = (struct source_pace){.heard_ms = now_ms, .window_ms = now_ms};
}

void source_pace_hear(struct source_pace *pace, int64_t now_ms, int64_t bytes)
{
	pace->heard_ms = now_ms;
	pace->bytes += bytes;
}

int source_pace_check(struct source_pace *pace, int64_t now_ms, struct verity_error *err)
{
	if (now_ms - pace->heard_ms >= SOURCE_STALL_S * 1000)
		return verity_fail(err, VERITY_E_LOST, "nothing has come for %d seconds",
				   SOURCE_STALL_S);
	if (now_ms - pace->window_ms < SOURCE_WINDOW_S * 1000)
		return 0;
	if (pace->bytes < SOURCE_WINDOW_LEAST)
		return verity_fail(err, VERITY_E_LOST,
				   "only %" PRId64 " bytes have come in %d minutes",
				   pace->bytes, SOURCE_WINDOW_S / 60);
	pace->window_ms = now_ms;
	pace->bytes = 0;
	return 0;
}
