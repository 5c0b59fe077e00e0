/* SPDX-License-Identifier: MIT */
#pragma once

/* What Tab has found, where that is more than one. */

#include "installer/shell/complete.h"

#define SHELL_COLUMNS_MAX                                                                \
	200 /* that are shown; of more, it is said how many there are                    \
	     */

/**
 * shell_columns_print - print them in columns as wide as the widest
 *
 * Of a path only its last part, and a '/' behind a folder.
 */
void shell_columns_print(FILE *out, const struct candidates *candidates);
