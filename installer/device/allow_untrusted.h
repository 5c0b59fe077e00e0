/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device/device.h"

/**
 * allowed_warn - warn on stderr of Allow Untrusted: that it is on, that it was asked for
 * and does not count, or that it was asked for after this boot
 */
void allowed_warn(struct device *device);

/**
 * allowed_hint - what to do about @code on this device: as verity_code_hint(), but where
 * Allow Untrusted was asked for and does not count, nobody is told to ask for it again
 *
 * Return: a constant; NULL where there is nothing to do.
 */
const char *allowed_hint(struct device *device, enum verity_code code);
