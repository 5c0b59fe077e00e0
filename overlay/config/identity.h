/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What device this is: model, serial number, firmware version. From the configuration,
 * or from where the system keeps them: DMI, the device tree, os-release. At boot they are
 * read from the firmware only, and kept in the state file, so that no package can change
 * the identity of the running system.
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

/**
 * overlay_identity_find - the same, by descriptors
 * @system_fd: folder that holds sys/ and proc/; borrowed
 * @root_fd:   the firmware's root; borrowed
 */
void overlay_identity_find(const struct overlay_config *config, int system_fd,
			   int root_fd, struct overlay_identity *ret);
