/* SPDX-License-Identifier: MIT */
#pragma once

/* Which packages have conflicts to show. */

#include "installer/device/device.h"
#include "installer/layers/stacks.h"

/**
 * conflicts_check_name - fail if no package of the next boot has this name
 *
 * Return: 0; -ENOENT (NOT_FOUND); -errno.
 */
int conflicts_check_name(struct device *device, const struct stacks *stacks,
			 const char *name, struct verity_error *err) must_check;
