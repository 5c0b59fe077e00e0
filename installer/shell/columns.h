/* SPDX-License-Identifier: MIT */
#pragma once

/* The candidates of a completion, where there is more than one. */

#include "installer/shell/complete.h"

#define SHELL_COLUMNS_MAX 200 /* candidates that are printed */

/**
 * shell_columns_print - print candidates in columns as wide as the widest, row by row
 *
 * Of a path only its last part, with the '/' of a directory. Beyond SHELL_COLUMNS_MAX
 * only their number is printed.
 */
void shell_columns_print(FILE *out, const struct candidates *candidates);
