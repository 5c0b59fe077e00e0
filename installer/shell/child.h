/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A command of the shell, in a process of its own: Ctrl-C and whatever else ends it does
 * not end the shell, and it leaves nothing behind, neither in memory nor on the terminal.
 */

#include "verity/util/error.h"

#include <stddef.h>

/**
 * shell_child_run - call a function in a process of its own, and wait for it
 *
 * Between shell_signal_begin() and shell_signal_end(). A terminal on standard input is
 * put back to what it was.
 *
 * Return: what the function returned; STATUS_FAILED where it did not come to that.
 */
enum exit_status shell_child_run(enum exit_status (*call)(void *context), void *context);
