/* SPDX-License-Identifier: MIT */
#pragma once

/* The end of a quarantine, without what is printed. */

#include "installer/device/device.h"
#include "verity/util/name.h"

/**
 * retry_run - end the quarantine of a package, and log it
 * @typed: its name, or the name of its file
 * @ret:   the installed name; set on success only
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EOPNOTSUPP (UNSUPPORTED) if it is not quarantined;
 * -errno.
 */
int retry_run(struct device *device, const char *typed,
	      char ret[static VERITY_NAME_MAX + 1], struct verity_error *err) must_check;
