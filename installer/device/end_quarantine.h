/* SPDX-License-Identifier: MIT */
#pragma once

/* Ends the quarantine of packages that kept the device from booting. */

#include "installer/device/device.h"

/**
 * end_quarantine - try a quarantined package again at the next boot
 * @name: installed name
 * @id:   of a package that was just installed under it; NULL: none was
 *
 * Return: how many packages are no longer quarantined; -errno.
 */
int end_quarantine(struct device *device, const char *name, const uint8_t *id,
		   struct verity_error *err) must_check;
