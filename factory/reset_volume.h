/* SPDX-License-Identifier: MIT */
#pragma once

/* DATA as a reset finds, mounts and unmounts it. */

#include "factory/reset_run.h"

/**
 * factory_data_find - find DATA, what it is called, and what can be done about it
 *
 * Return: 0; -ENOENT (NOT_FOUND); -EINVAL (CONFIG) where it holds what must be kept.
 */
int factory_data_find(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_unmount - unmount the file system of DATA, wherever it is mounted
 */
int factory_data_unmount(struct factory_run *run, struct verity_error *err) must_check;

/**
 * factory_data_mount - mount it, unless it is
 */
int factory_data_mount(struct factory_run *run, struct verity_error *err) must_check;
