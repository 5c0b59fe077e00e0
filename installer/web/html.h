/* SPDX-License-Identifier: MIT */
#pragma once

/* Writing HTML: everything that is not part of the program is escaped. */

#include <stdio.h>

/**
 * html_print - print markup
 * @format: of the program, never of outside; of the conversions there are %s, which is
 *          escaped, and %d, %u, %zu and %%
 */
void html_print(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
