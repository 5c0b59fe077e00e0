/* SPDX-License-Identifier: MIT */
#pragma once

/* Which files of other packages a new one covers, and which of its own are covered. */

#include "installer/layers/stacks.h"

#define COVERED_LINES_MAX  4   /* packages that have a line */
#define COVERED_LINE_BYTES 512 /* of each */

/**
 * covered_list - a line for each package whose files the candidate covers, or that covers
 * files of the candidate, and one for those that are not known
 * @stacks: with a candidate; borrowed
 * @say:    called for each line, printable text; never for a package that affects none
 *
 * What counts as covered is what `conflicts` lists: not folders that are merged.
 */
int covered_list(const struct stacks *stacks,
		 void (*say)(void *context, const char *line), void *context,
		 struct verity_error *err) must_check;
