/* SPDX-License-Identifier: MIT */
#pragma once

/* The activation: what happens on every boot, from configuration to state file. */

#include "verity/util/error.h"

#define ACTIVATE_ROOT "/root"

/**
 * activate_run - verify what is installed and stack it over @root
 * @config_path: NULL for the default
 * @root:        where the firmware's root is mounted
 * @line:        to the supervisor; see initramfs/supervisor_pipe.h
 * @ret_stuck:   how many threads may never end; if there are any, the process must not
 *               run exit handlers
 *
 * Return: 0 where the root is as planned, also with packages left out; negative where
 * there is no stack, and then the root is as it was.
 */
int activate_run(const char *config_path, const char *root, int line, size_t *ret_stuck,
		 struct verity_error *err) must_check;
