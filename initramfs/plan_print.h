/* SPDX-License-Identifier: MIT */
#pragma once

/* `wmopkg-activate --plan`. */

#include "verity/util/error.h"

#include <stdbool.h>

/**
 * plan_print - find out what a boot would do, and print it on stdout
 * @config_path: NULL for the default
 * @root:        where the firmware's root is mounted; NULL: the system that runs
 * @json:        for programs, as docs/schema/plan.json has it
 *
 * Return: 0 where a stack would be possible, also with some or all packages left out;
 * negative where not.
 */
int plan_print(const char *config_path, const char *root, bool json,
	       struct verity_error *err) must_check;
