/* SPDX-License-Identifier: MIT */
#pragma once

/* `show media`, which is also `media`. */

#include "installer/common/report.h"
#include "installer/device/device.h"

/**
 * media_show - print the labels and the connected media
 */
enum exit_status media_show(struct device *device, bool json) must_check;
