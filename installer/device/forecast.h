/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What would be active under another firmware version and model. Pure: what the judge
 * says of a package's front here and there is given, by verity_peek_outlook().
 */

#include "verity/package/inspect.h"

enum forecast {
	FORECAST_STAYS,     /* active, and would be */
	FORECAST_STOPS,     /* active, and would not be */
	FORECAST_STARTS,    /* not active, and would be */
	FORECAST_STAYS_OUT, /* neither */
};

/* A package, at the next boot of this device as it is. All borrowed. */
struct forecast_now {
	bool active;
	const struct verity_error *reason; /* why not; code VERITY_OK where it is */
	/* What the judge says of its front; NULL: it has none that can be read. */
	const struct verity_outlook *here;
	const struct verity_outlook *there;
};

/**
 * forecast_plan - what becomes of a package
 * @ret_reason: why it would not be active; code VERITY_OK where it would
 *
 * What keeps a package out here that its front does not tell (its image, the store it
 * lies in, the boot configuration) keeps it out there.
 */
enum forecast forecast_plan(const struct forecast_now *now,
			    struct verity_error *ret_reason);

/**
 * forecast_name - "stays", "stops", "starts", "stays-out"
 */
const char *forecast_name(enum forecast forecast);
