/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Debug output: the steps of a program and the reasons that the system and the libraries
 * give, for a person who looks for a fault. It is off until a program switches it on.
 */

#include <stdbool.h>

#define VERITY_DEBUG_VARIABLE                                                            \
	"WMOPKG_DEBUG" /* of the environment: any value but "" and 0 */
#define VERITY_DEBUG_LINE_MAX 1024

/**
 * verity_debug_start - switch debug output on
 * @print: called with each line, without a newline and made printable; may be called by
 *         any thread, so it writes a line with one call
 *
 * The switch is one for the whole process, as a failure deep in a library has no other
 * way to it. To be called by main(), before there are threads.
 */
void verity_debug_start(void (*print)(const char *line));

/**
 * verity_debug_wanted - whether the environment asks for debug output
 *
 * Never in a program that runs with more rights than its user.
 */
bool verity_debug_wanted(void);

/**
 * verity_debug - print one line of debug output: what is done, or what the system said
 *
 * Costs a comparison where debug output is off. @format never names a secret.
 */
void verity_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
