/* SPDX-License-Identifier: MIT */
#pragma once

/* The echo of the terminal, which is off during a transfer: keys would stand in the
 * middle of the progress bar or of a message. What is typed meanwhile is kept for the
 * next reader.
 */

#include <stdbool.h>

/**
 * echo_off - switch it off, where standard input is a terminal that is ours
 */
void echo_off(void);

/**
 * echo_is_off - whether echo_off() has switched it off
 */
bool echo_is_off(void);

/**
 * echo_restore - as it was before echo_off(); async-signal-safe
 */
void echo_restore(void);
