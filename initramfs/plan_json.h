/* SPDX-License-Identifier: MIT */
#pragma once

/* Prints a plan for programs. */

#include "initramfs/plan.h"

#include <stdio.h>

/**
 * plan_json_print - print a plan as docs/schema/plan.json has it
 */
int plan_json_print(FILE *out, const struct plan *plan,
		    struct verity_error *err) must_check;
