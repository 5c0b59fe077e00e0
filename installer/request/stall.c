/* SPDX-License-Identifier: MIT */
/* When to give up on a slow server. */
#include "installer/request/stall.h"

#include <inttypes.h>

void stall_begin(struct stall *stall, int64_t now_ms)
{
	*stall = (struct stall){.heard_ms = now_ms, .window_ms = now_ms};
}

void stall_hear(struct stall *stall, int64_t now_ms, int64_t bytes)
{
	stall->heard_ms = now_ms;
	stall->bytes += bytes;
}

void stall_skip(struct stall *stall, int64_t ms)
{
	stall->heard_ms += ms;
	stall->window_ms += ms;
}

int stall_check(struct stall *stall, int64_t now_ms, struct verity_error *err)
{
	if (now_ms - stall->heard_ms >= STALL_SILENCE_S * 1000)
		return verity_fail(err, VERITY_E_LOST, "nothing received for %d seconds",
				   STALL_SILENCE_S);
	if (now_ms - stall->window_ms < STALL_WINDOW_S * 1000)
		return 0;
	if (stall->bytes < STALL_WINDOW_MIN)
		return verity_fail(err, VERITY_E_LOST,
				   "only %" PRId64 " bytes received in %d minutes",
				   stall->bytes, STALL_WINDOW_S / 60);
	stall->window_ms = now_ms;
	stall->bytes = 0;
	return 0;
}
