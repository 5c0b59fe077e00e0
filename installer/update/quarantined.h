/* SPDX-License-Identifier: MIT */
#pragma once

/* Which packages stopped a boot of this device, also of those that it no longer has. */

#include "installer/device/device.h"
#include "verity/statement/quarantine.h"

/**
 * update_quarantined - the ids that an update does not bring back
 * @now: those that the record of trials has, which forgets what is removed; borrowed
 * @ret: set on success only; .ids is the caller's to free()
 *
 * The others are those of the audit log, for as long as it keeps the line: unless
 * somebody has installed such a package again, or retried it.
 *
 * Return: 0, also where there is no log; -errno.
 */
int update_quarantined(struct device *device, const struct verity_quarantine *now,
		       struct verity_quarantine *ret,
		       struct verity_error *err) must_check;
