/* SPDX-License-Identifier: MIT */
#pragma once

/* The question before something is deleted. */

#include "verity/util/error.h"

/**
 * confirm - print a question that ends in (y/N)?, and read the answer
 * @command:  for messages
 * @question: "Remove package pkgname"
 * @declined: printed where the answer is no: "Nothing removed."
 *
 * Return: 1 for yes; 0 for no; -EOPNOTSUPP (UNSUPPORTED) where there is no terminal: a
 * script without --yes must not delete anything.
 */
int confirm(const char *command, const char *question, const char *declined,
	    struct verity_error *err) must_check;
