/* SPDX-License-Identifier: MIT */
#pragma once

/* DATA as a reset finds, mounts and unmounts it. */

#include "factory/reset_run.h"

/**
 * factory_data_find - find DATA as the configuration says, and check that nothing else is
 * lost with it
 *
 * A file system is unmounted and stays so: it is no other's, and factory_data_mount()
 * mounts it. What lies on PERSIST has no say in which device it is.
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EINVAL (CONFIG) where it holds what must be kept;
 * -EBUSY; -errno.
 */
int factory_data_find(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_persist_check - the same checks of PERSIST, for a purge; it stays mounted
 */
int factory_persist_check(const struct factory_run *run,
			  struct verity_error *err) must_check;

/**
 * factory_data_path - a path by which programs and calls reach the device that was
 * checked, whatever its name stands for by now
 */
void factory_data_path(const struct factory_run *run, char ret[static 64]);

/**
 * factory_data_unmount - unmount the file system of DATA, wherever it is mounted, and
 * what is mounted in there; after factory_data_find() only
 */
int factory_data_unmount(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_leave - close DATA, and unmount it where it is ours to unmount
 */
int factory_data_leave(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_mount - mount it, unless it is
 */
int factory_data_mount(struct factory_run *run, struct verity_error *err) must_check;
