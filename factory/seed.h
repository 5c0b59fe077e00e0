/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Factory configuration: what a device starts with, and is reset to. Its folder, in the
 * firmware with all packages on top, is copied to DATA if DATA has no configuration yet.
 */

#include "overlay/fs/copy.h"

#define FACTORY_SEED_SOURCE "etc/factory-config" /* within the root */
#define FACTORY_SEED_TARGET "config"             /* within DATA */

struct factory_seeded {
	bool seeded; /* the target was made by this call */
	struct overlay_copy_left left;
};

/**
 * factory_seed - copy the folder @source to @target, unless there is one
 * @root_fd: the root as the device will see it, O_PATH at least; borrowed
 * @source:  path of a folder within it; no part of it may be a symbolic link
 * @data_fd: DATA; borrowed
 * @target:  one name within DATA; if it exists, it is not changed
 * @ret:     filled on success only
 *
 * The copy is made as `.TARGET.seed`, synced, and renamed: after a power cut there is no
 * @target, and the next call makes it, or a complete one. What a power cut left behind is
 * deleted first. Owners, modes, times and attributes are kept (overlay/fs/copy.h), links
 * copied as they are; hard links become separate files. Devices, FIFOs and sockets
 * are left out and counted: a mistake in a package must not leave the device without its
 * configuration. Needs Linux 5.6 (openat2).
 *
 * Return: 0, also where there is a @target already or no @source; -ENOSPC (NO_ROOM);
 * -errno. After a failure what was copied is deleted again and there is no @target,
 * unless the very last step failed, the sync of its name.
 */
int factory_seed(int root_fd, const char *source, int data_fd, const char *target,
		 struct factory_seeded *ret, struct verity_error *err) must_check;
