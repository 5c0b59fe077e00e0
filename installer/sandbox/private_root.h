/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A root folder in memory, seen by one process: nothing of the system is in it but copies
 * of the files that the resolver reads. It needs root, and no mount outlives the process.
 */

#include "installer/sandbox/rights.h"

/**
 * sandbox_root_enter - make it the root folder of this process
 * @copied: absolute paths of files that it gets a copy of; missing ones are left out
 * @rules:  its files are put there, too, as /NAME
 *
 * Return: 0; -EPERM or -EINVAL if the kernel or a container does not allow it, and
 * nothing has changed; -errno.
 */
int sandbox_root_enter(const struct sandbox_rules *rules, const char *const *copied);
