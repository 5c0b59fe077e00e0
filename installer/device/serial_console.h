/* SPDX-License-Identifier: MIT */
#pragma once

/* Whether this session is on the serial console of the device. */

#include <stdbool.h>

/**
 * serial_console_is_ours - whether the terminal of this session is a serial console: a
 * console of the kernel that is not a virtual terminal of a screen
 * @stat:  "/proc/self/stat"
 * @sysfs: "/sys"
 *
 * The controlling terminal counts, which the kernel knows, not standard input.
 */
bool serial_console_is_ours(const char *stat, const char *sysfs);
