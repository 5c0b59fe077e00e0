/* SPDX-License-Identifier: MIT */
#pragma once

/* A factory reset that was requested, or is not finished. */

#include "installer/device/device.h"

/**
 * reset_pending_warn - warn on stderr where there is one
 *
 * It deletes what is installed now, and whoever installs may not have requested it.
 */
void reset_pending_warn(struct device *device);
