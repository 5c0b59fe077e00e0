/* SPDX-License-Identifier: MIT */
#pragma once

/* Shows what a set would change: as text and as JSON. */

#include "installer/receive/set_plan.h"

/**
 * set_print - print a line for each change to standard output
 * @removals_only: only packages that would be removed
 *
 * Return: how many there are.
 */
size_t set_print(const struct set_plan *plan, bool removals_only);

/**
 * set_warn_inactive - a warning for each package that stays as it is and is not active
 */
void set_warn_inactive(const struct set_plan *plan);

/**
 * set_print_json - print all packages, and what is done with them: apply.json
 */
int set_print_json(const struct set_plan *plan, struct verity_error *err) must_check;
