/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether a package that is being installed can be active with the others. */

#include "installer/device/device.h"
#include "overlay/store/store.h"
#include "verity/package/judge.h"

/**
 * install_check_needs - check needs and conflicts before a package is installed
 * @entry:     where it is going to lie; what has its name in either store is replaced
 * @judgement: of its head; accepted
 * @force:     only warn of packages that would not be active any more
 * @ret_any:   whether any package needs another or conflicts with one
 *
 * Refused is what could not be active, and what would keep others from being active that
 * are now. What only the boot configuration leaves out counts as active here.
 *
 * Return: 0; -EPERM (MISSING_NEED, CONFLICT; REQUIRED, also with @force).
 */
int install_check_needs(struct device *device, const struct overlay_entry *entry,
			const struct verity_judgement *judgement, bool force,
			bool *ret_any, struct verity_error *err) must_check;

/**
 * install_warn_needs - warn, after the installation, if the next boot leaves the
 * package out for the others, or a factory reset would
 */
void install_warn_needs(struct device *device, const struct overlay_entry *entry);
