/* SPDX-License-Identifier: MIT */
#pragma once

/* The filter of system calls, made by libseccomp. */

#include "installer/sandbox/rights.h"

/**
 * sandbox_filter_syscalls - allow only what libcurl, OpenSSL, libssh2 and libblkid need
 *
 * Starting programs or processes, tracing, and changes of mounts end the process with
 * SIGSYS: no library does that. Everything else fails with EPERM.
 *
 * Needs SANDBOX_PRIVILEGES. Return: 0; -ENOSYS if it was built without libseccomp, or the
 * kernel has no such filters; -errno.
 */
int sandbox_filter_syscalls(const struct sandbox_rules *rules);
