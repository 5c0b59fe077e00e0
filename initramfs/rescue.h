/* SPDX-License-Identifier: MIT */
#pragma once

/* What is left of an activation whose worker ended before it was done. */

#include "verity/util/error.h"

/**
 * rescue_run - see that the root is as it was, and that the state file says why
 * @config_path: NULL for the default
 *
 * A stack of ours without a state file is what the worker had begun: it is unmounted, and
 * so are its layers. One with a state file is whole, and somebody else's. Nothing of
 * DATA and PERSIST is looked at: it may be what the worker was waiting for.
 */
void rescue_run(const char *config_path, const char *root,
		const struct verity_error *why);
