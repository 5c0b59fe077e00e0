/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The layer on top of all: the firmware's own copy of what a package may not change
 * (overlay/fs/protect.h), so that whatever a package holds in these places, a file, a
 * whiteout, an opaque folder, is not what the device sees.
 *
 * A tmpfs with copies. A folder in it is opaque, a path that the firmware does not have
 * is a whiteout, and the folders above have the modes, owners and times they have in
 * the firmware. A link on the way is copied and followed within the firmware, so that a
 * folder of a package does not replace it. A folder on the way that the firmware does not
 * have is made, and shows what packages have in it.
 */

#include "overlay/fs/protect.h"
#include "verity/util/error.h"

/**
 * overlay_engine_mount - make the layer and mount it
 * @root:   the firmware's root, no package on it
 * @folder: existing empty folder
 * @own:    what the configuration adds; borrowed, may be NULL
 *
 * Return: 0; -EOPNOTSUPP where the kernel's tmpfs keeps no trusted attributes; -errno,
 * and then nothing is mounted.
 */
int overlay_engine_mount(const char *root, const char *folder,
			 const struct overlay_protect *own,
			 struct verity_error *err) must_check;
