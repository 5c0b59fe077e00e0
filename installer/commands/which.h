/* SPDX-License-Identifier: MIT */
#pragma once

#include "installer/device/which.h"

/* What is asked: of the stack that runs, and of the next. */
struct which {
	const char *path; /* from the root; borrowed */
	struct layering *layering;
	struct which_answer now, next;
	char mounted[PATH_MAX]; /* "": no other file system */
};

/**
 * which_json - print it as docs/conflicts.md has it
 */
int which_json(const struct which *which, struct verity_error *err) must_check;
