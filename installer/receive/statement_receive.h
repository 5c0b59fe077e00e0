/* SPDX-License-Identifier: MIT */
#pragma once

/* A signed statement from wherever it comes. */

#include "installer/fetch/source.h"

/**
 * statement_receive - all bytes of a statement file
 * @source: asked for its bytes once
 * @out:    for lines about the transfer; NULL: stdout
 * @ret:    set on success only; free(); NULL where @source->unchanged
 *
 * Ends as soon as the bytes are no statement, or more than its head says.
 *
 * Return: 0; -EBADMSG (WRONG_TYPE, BAD_STATEMENT); see source_pull().
 */
int statement_receive(struct source *source, FILE *out, char **ret, size_t *ret_size,
		      struct verity_error *err) must_check;
