/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What every kernel has to take rights from a process: descriptors, environment, limits,
 * and another user. A failure of one of these is an error, never a missing piece.
 */

#include "installer/sandbox/rights.h"

/**
 * sandbox_forget - drop what the process has from its parent: terminal, signal actions,
 * environment, and all descriptors but @keep
 * @environment: names of variables that stay, NULL-ended; NULL: none
 * @keep:        @count descriptors; they are not closed
 *
 * Standard input, output and error become /dev/null: no process writes to a terminal
 * that is not its own.
 *
 * Return: 0; -errno.
 */
int sandbox_forget(const char *const *environment, const int *keep, size_t count);

/**
 * sandbox_used_bytes - address space in use; an upper bound where
 * /proc does not say it
 */
size_t sandbox_used_bytes(void);

/**
 * sandbox_limit - limits of memory, files and processes
 * @used_bytes: from sandbox_used_bytes()
 * @switched:   the process runs as a user of its own, whose processes can be counted
 *
 * Return: 0; -errno.
 */
int sandbox_limit(const struct sandbox_rules *rules, size_t used_bytes, bool switched);

/**
 * sandbox_switch_user - become the user of @rules, for good
 *
 * Return: 0; -errno.
 */
int sandbox_switch_user(const struct sandbox_rules *rules);
