/* SPDX-License-Identifier: MIT */
#pragma once

/* Landlock: the kernel lets the process itself give up rights, also without root. */

#include "installer/sandbox/rights.h"

/**
 * sandbox_landlock_abi - the version of Landlock in this kernel
 *
 * Return: 1 and more; -errno (ENOSYS, EOPNOTSUPP) if it has none.
 */
int sandbox_landlock_abi(void);

/**
 * sandbox_landlock - give up all rights on files, and on what else this kernel knows:
 * TCP ports from version 4, signals and abstract sockets to other processes from 6
 * @readable: paths below which files can be read, NULL-ended; missing ones do not matter
 *
 * Needs SANDBOX_PRIVILEGES. Return: 0; -errno.
 */
int sandbox_landlock(const struct sandbox_rules *rules, int abi,
		     const char *const *readable);
