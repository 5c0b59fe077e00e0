/* SPDX-License-Identifier: MIT */
#pragma once

/* What the next reboot changes, in words. */

#include "installer/common/layout.h"
#include "installer/device/installed.h"

/**
 * pending_print_sum - "Reboot to activate 10 packages and to deactivate 1."
 * @least: print nothing where fewer packages change; 0: print that none does
 */
void pending_print_sum(const struct layout *layout, const struct installed_list *list,
		       size_t least);

/**
 * pending_print - a line for each package that changes, and the sum
 */
int pending_print(struct device *device, struct verity_error *err) must_check;
