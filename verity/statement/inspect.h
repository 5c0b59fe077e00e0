/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a statement says, whoever signed it: for showing it, and for those who sign it.
 * Nothing may be decided by it; that is for verity/statement/unlock.h,
 * verity/statement/denylist.h, verity/statement/catalog.h and
 * verity/statement/package_set.h.
 */

#include "verity/statement/catalog.h"
#include "verity/statement/denylist.h"
#include "verity/statement/package_set.h"
#include "verity/statement/statement.h"
#include "verity/statement/unlock.h"

/* Plain data; { 0 } is none. */
struct verity_statement_text {
	enum verity_statement_type type;
	struct verity_unlock_text unlock;     /* where it is one */
	uint8_t digest[VERITY_DIGEST_BYTES];  /* verity_statement_digest() */
	struct verity_denylist_text denylist; /* likewise; owned */
	struct verity_catalog_text catalog;   /* likewise; owned */
	struct verity_package_set set;        /* likewise; owned */
};

/**
 * verity_statement_inspect - read the text of a statement of any type
 * @ret: set on success only; verity_statement_text_free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT, WRONG_TYPE, UNKNOWN_FEATURE); -ENOMEM.
 */
int verity_statement_inspect(const struct verity_statement_parts *parts,
			     struct verity_statement_text *ret,
			     struct verity_error *err) must_check;

void verity_statement_text_free(struct verity_statement_text *text);
