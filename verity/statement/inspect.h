/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a statement says, before anybody vouches for it: for showing it and for whoever
 * signs it. Nothing may go by it; verity/statement/unlock.h and
 * verity/statement/denylist.h are for that.
 */

#include "verity/statement/denylist.h"
#include "verity/statement/statement.h"
#include "verity/statement/unlock.h"

/* Plain data; { 0 } is none. */
struct verity_statement_peek {
	enum verity_statement_type type;
	/* of an unlock statement */
	char serial[VERITY_SERIAL_MAX + 1];
	unsigned allows;
	int64_t not_after; /* seconds since 1970 */
	/* of a deny list */
	uint32_t number;
	struct verity_deny *entries; /* owned */
	size_t count;
};

/**
 * verity_statement_peek - read the text of a statement of either type
 * @ret: set on success alone; verity_statement_peek_free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT, WRONG_TYPE, UNKNOWN_FEATURE); -ENOMEM.
 */
int verity_statement_peek(const struct verity_statement_parts *parts,
			  struct verity_statement_peek *ret,
			  struct verity_error *err) must_check;

void verity_statement_peek_free(struct verity_statement_peek *peek);
