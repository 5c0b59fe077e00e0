/* SPDX-License-Identifier: MIT */
#pragma once

/* What happens on every boot, from the boot configuration to the state file. */

#include "verity/error.h"

#define ACTIVATE_ROOT "/root"

/**
 * activate_run - verify what is installed and stack it over @root
 * @config_path: NULL for the default
 * @root:        where the firmware's root is mounted
 *
 * Return: 0 where the root is as planned, packages that were left out included; negative
 * where there is no stack, and then the root is as it was.
 */
int activate_run(const char *config_path, const char *root,
		 struct verity_error *err) must_check;
