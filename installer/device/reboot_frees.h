/* SPDX-License-Identifier: MIT */
#pragma once

/* The room that a reboot frees. */

#include "installer/device/device.h"

/**
 * reboot_frees - bytes of packages that are active, and no longer in the store of @kind:
 * their files are kept until the reboot
 */
uint64_t reboot_frees(struct device *device, enum overlay_store_kind kind);
