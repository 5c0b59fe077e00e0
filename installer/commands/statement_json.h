/* SPDX-License-Identifier: MIT */
#pragma once

/* What `unlock json` and `denylist json` print: docs/schema. */

#include "installer/device/device.h"

/**
 * unlock_json - this device, and what its unlock statement allows
 */
int unlock_json(struct device *device, struct verity_error *err) must_check;

/**
 * denylist_json - the deny list in force; number 0 where there is none
 */
int denylist_json(struct device *device, struct verity_error *err) must_check;
