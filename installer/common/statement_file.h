/* SPDX-License-Identifier: MIT */
#pragma once

/* Signed statements as they come to the device: small local files. */

#include "installer/common/report.h"

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
 * statement_command - the command that a file is for, which is a statement
 *
 * Return: "unlock" or "denylist"; NULL where it is none.
 */
const char *statement_command(const char *file);

/**
 * statement_report - as report_error(), with what helps a statement: neither another
 * package nor Allow Untrusted does
 *
 * Return: the exit status for it.
 */
enum exit_status statement_report(const struct verity_error *err) must_check;
