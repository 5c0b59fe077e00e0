/* SPDX-License-Identifier: MIT */
#pragma once

/* A package on a server, which is asked by one protocol after the other. */

#include "installer/fetch/source.h"

/**
 * attempts_open - prepare to ask; see source_open()
 */
int attempts_open(const struct source_request *request, struct source **ret,
		  struct verity_error *err) must_check;
