/* SPDX-License-Identifier: MIT */
#pragma once

/* `install media LABEL`: the packages on a medium. */

#include "installer/common/report.h"
#include "installer/device/device.h"

/**
 * media_packages_show - list the packages on the medium that a label selects, with what
 * the judge says of each before its image is read
 */
enum exit_status media_packages_show(struct device *device, const char *label) must_check;
