/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device/device.h"

/**
 * reset_pending_warn - on stderr, where a factory reset is to come, or is not finished
 *
 * What is installed now is deleted by it, and whoever installs it may not be the one who
 * asked for that.
 */
void reset_pending_warn(struct device *device);
