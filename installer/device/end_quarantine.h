/* SPDX-License-Identifier: MIT */
#pragma once

/* Packages that kept the device from booting, and how they get another chance. */

#include "installer/device/device.h"

/**
 * quarantine_end - try what is quarantined again at the next boot
 * @name: installed name
 * @id:   of the package that was installed under it; NULL: no other than what is there
 *
 * Return: how many packages are quarantined no more; -errno.
 */
int quarantine_end(struct device *device, const char *name, const uint8_t *id,
		   struct verity_error *err) must_check;
