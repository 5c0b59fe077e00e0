/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * application/x-www-form-urlencoded: the query of a URL, and the body of a form without a
 * file. Pure.
 */

#include "installer/web/field.h"
#include "verity/util/error.h"

#define URLENCODED_MAX (16U << 10) /* bytes that are read */

/**
 * urlencoded_next - decode the next field
 * @at:   where it begins in a text that ends with 0; moved behind it
 * @ret:  set where this returns 1
 *
 * Return: 1; 0 at the end; -EINVAL (USAGE).
 */
int urlencoded_next(const char **at, struct field *ret,
		    struct verity_error *err) must_check;
