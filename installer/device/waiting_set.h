/* SPDX-License-Identifier: MIT */
#pragma once

/* A set of packages that was cut off, and cannot be completed yet. */

#include "installer/device/device.h"

/**
 * waiting_set_find - why a set is not complete; looked for when the stores are opened,
 * and when they are locked
 *
 * Return: IO, with what to do; NULL where there is none, or only root can know;
 * borrowed.
 */
const struct verity_error *waiting_set_find(struct device *device);

/**
 * waiting_set_warn - warn on stderr where there is one
 */
void waiting_set_warn(struct device *device);
