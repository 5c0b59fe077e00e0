/* SPDX-License-Identifier: MIT */
#pragma once

/* Restores the root after an activation whose worker ended before it was done. */

#include "verity/util/error.h"

/**
 * rescue_run - make the root as it was, and write the reason to the state file
 * @config_path: NULL for the default
 *
 * A stack of ours without a state file is what the worker had begun: it is unmounted,
 * with its layers. One with a state file is complete, and stays. DATA and PERSIST are not
 * accessed: the worker may have been waiting for them.
 */
void rescue_run(const char *config_path, const char *root,
		const struct verity_error *why);
