/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device.h"

/**
 * allowed_warn - warn on stderr of Allow Untrusted: that it is on, that it was asked for
 * and does not count, or that it was asked for after this boot
 */
void allowed_warn(struct device *device);
