/* SPDX-License-Identifier: MIT */
#pragma once

/* Signed statements as they come to the device: small local files. */

#include "verity/error.h"

/**
 * statement_load - the bytes of a statement file, at most as many as one may have
 * @ret: set on success alone; free()
 *
 * Return: 0; -ENOENT; -EBADMSG (WRONG_TYPE, BAD_STATEMENT) where it is too long to be
 * one; -errno.
 */
int statement_load(const char *file, char **ret, size_t *ret_size,
		   struct verity_error *err) must_check;

/**
 * statement_fail - put the file's name before why a statement was not taken, with what
 * can be done about it: what an untrusted package may be, no statement ever is
 *
 * Return: @r.
 */
int statement_fail(const char *file, int r, struct verity_error *err);
