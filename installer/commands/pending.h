/* SPDX-License-Identifier: MIT */
#pragma once

/* What the next reboot changes, in words. */

#include "installer/common/layout.h"
#include "installer/device/installed.h"

#define PENDING_SUM_BYTES 128

/**
 * pending_changes - whether the next reboot activates or deactivates it
 */
bool pending_changes(const struct installed *item);

/**
 * pending_format_sum - "Reboot to activate 10 packages and to deactivate 1."
 *
 * Return: how many packages change, as far as that is known.
 */
size_t pending_format_sum(const struct installed_list *list,
			  char ret[static PENDING_SUM_BYTES]);

/**
 * pending_print_sum - the same as a line
 * @least: print nothing where fewer packages change; 0: print that none does
 */
void pending_print_sum(const struct layout *layout, const struct installed_list *list,
		       size_t least);

/**
 * pending_print - a line for each package that changes, and the sum
 */
int pending_print(struct device *device, struct verity_error *err) must_check;
