/* SPDX-License-Identifier: MIT */
#pragma once

/* The table of protocols: a new one is a row, and its hooks in a file of its own. */

#include "verity/util/error.h"

#include <stddef.h>

struct protocol;

/**
 * protocol_find - the protocol whose scheme is the first @size bytes of @scheme, in any
 * case
 *
 * Return: NULL if there is none.
 */
const struct protocol *protocol_find(const char *scheme, size_t size);

/**
 * protocol_get - likewise, with an error that lists the known ones
 *
 * Return: 0; -EINVAL (USAGE).
 */
int protocol_get(const char *scheme, size_t size, const struct protocol **ret,
		 struct verity_error *err) must_check;
