/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What device this is: model, serial number, firmware version. From the configuration,
 * or from where the system keeps them: DMI, the device tree, os-release. At boot they are
 * read of the firmware alone, and kept in the state file, so that no package can change
 * what the running system says it is.
 */

#include "overlay/config/config.h"
#include "verity/format/manifest.h"
#include "verity/statement/unlock.h"

/* Plain data; "" where it is not known. All printable. */
struct overlay_identity {
	char model[OVERLAY_MODEL_MAX + 1];
	char serial[VERITY_SERIAL_MAX + 1];
	char firmware[VERITY_VERSION_MAX + 1];
};

/**
 * overlay_identity_read - what device this is
 * @root: folder the firmware's root is mounted at: its os-release is read, the links in
 *        its way stay below it; /sys and /proc are the running system's
 *
 * What cannot be read is not known, and no error.
 */
void overlay_identity_read(const struct overlay_config *config, const char *root,
			   struct overlay_identity *ret);
