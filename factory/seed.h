/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Factory configuration: what a device starts with, and what it is reset to. The folder
 * that holds it, in the firmware with all packages on top, is copied to DATA where there
 * is no configuration yet.
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
 * @source:  path of a folder within it; no part of it may be a link
 * @data_fd: DATA; borrowed
 * @target:  one name within DATA; whatever is called so stays as it is
 * @ret:     filled on success alone
 *
 * The copy is made as `.TARGET.seed`, synced, and renamed: after a power cut there is no
 * @target, and the next call makes it, or the whole of it. What a cut left behind is
 * deleted first. Owners, modes, times and attributes are kept (overlay/fs/copy.h), links
 * copied as they are; hard links become files of their own. Devices, FIFOs and sockets
 * are left out and counted: a mistake in a package must not cost the device its
 * configuration. Needs Linux 5.6 (openat2).
 *
 * Return: 0, also where there is a @target already or no @source; -ENOSPC (NO_ROOM);
 * -errno. After a failure what was copied is deleted again and there is no @target,
 * unless it was the very last step that failed, making its name last.
 */
int factory_seed(int root_fd, const char *source, int data_fd, const char *target,
		 struct factory_seeded *ret, struct verity_error *err) must_check;
