/* SPDX-License-Identifier: MIT */
#pragma once

/* Allow Untrusted, as this boot found it. */

#include "installer/device/device.h"

/**
 * allow_untrusted_warn - warn on stderr where Allow Untrusted is set: that it is in
 * effect, that the anchor keeps it from that, or that it was set after this boot
 */
void allow_untrusted_warn(struct device *device);

/**
 * allow_untrusted_hint - what to do about @code on this device: as verity_code_hint(),
 * but where the anchor keeps Allow Untrusted from taking effect, the hint does not
 * suggest only to set it; where it was set after this boot, it is to reboot
 *
 * Return: a constant; NULL where there is nothing to do.
 */
const char *allow_untrusted_hint(struct device *device, enum verity_code code);
