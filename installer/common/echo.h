/* SPDX-License-Identifier: MIT */
#pragma once

/* The echo of the terminal, which is off while a progress bar grows: keys would stand in
 * the middle of it. What is typed meanwhile is kept for the next reader. */

/**
 * echo_off - switch it off, where standard input is a terminal that is ours
 */
void echo_off(void);

/**
 * echo_restore - as it was before echo_off(); async-signal-safe
 */
void echo_restore(void);
