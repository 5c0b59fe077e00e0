/* SPDX-License-Identifier: MIT */
#pragma once

/* Signed statements as they come to the device: small local files. */

#include "installer/common/report.h"

/**
 * statement_load - the bytes of a statement file, at most as many as one can have
 * @ret: set on success only; free()
 *
 * Return: 0; -ENOENT; -EBADMSG (WRONG_TYPE, BAD_STATEMENT) if it is too long; -errno.
 */
int statement_load(const char *file, char **ret, size_t *ret_size,
		   struct verity_error *err) must_check;

/**
 * statement_command - the command that a statement file is for
 *
 * Return: "unlock", "denylist" or "apply"; NULL if it is none.
 */
const char *statement_command(const char *file);

/**
 * statement_report - as report_error(), with hints for a statement: another package or
 * Allow Untrusted would not help
 *
 * Return: the exit status for it.
 */
enum exit_status statement_report(const struct verity_error *err) must_check;
