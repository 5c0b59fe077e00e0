/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether somebody sits at the device itself. */

#include <stdbool.h>

/**
 * serial_console_is_ours - whether this session's terminal is a serial console: one that
 * the kernel prints to, and no virtual terminal of a screen
 * @stat:  "/proc/self/stat"
 * @sysfs: "/sys"
 *
 * It is the controlling terminal that counts, which the kernel knows, not what standard
 * input happens to be.
 */
bool serial_console_is_ours(const char *stat, const char *sysfs);
