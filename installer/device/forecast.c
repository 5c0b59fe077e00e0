/* SPDX-License-Identifier: MIT */
#include "installer/device/forecast.h"

const char *forecast_name(enum forecast forecast)
{
	static const char *const names[] = {
		[FORECAST_STAYS] = "stays",
		[FORECAST_STOPS] = "stops",
		[FORECAST_STARTS] = "starts",
		[FORECAST_STAYS_OUT] = "stays-out",
	};

	return names[forecast];
}

enum forecast forecast_plan(const struct forecast_now *now,
			    struct verity_error *ret_reason)
{
	*ret_reason = *now->reason;
	if (!now->here || !now->there)
		return now->active ? FORECAST_STAYS : FORECAST_STAYS_OUT;
	if (!now->there->accepted) {
		*ret_reason = now->there->reason;
		return now->active ? FORECAST_STOPS : FORECAST_STAYS_OUT;
	}
	/* Accepted here as well, and out all the same: for what the front does not tell.
	 */
	if (!now->active && now->here->accepted)
		return FORECAST_STAYS_OUT;
	*ret_reason = (struct verity_error){.code = VERITY_OK};
	return now->active ? FORECAST_STAYS : FORECAST_STARTS;
}
