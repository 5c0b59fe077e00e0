/* SPDX-License-Identifier: MIT */
#pragma once

/* Shows what a signed statement says, and verifies it. */

#include "verity/package/judge.h"

/* What a statement is verified against. All borrowed; NULL: none. */
struct build_statement_view {
	const struct verity_keyring *keyring;
	const struct verity_denylist *denylist;
	bool json;
};

/**
 * build_statement_inspect - show what a statement says, and verify it
 * @ret: Signed, Unsigned, Untrusted, Invalid or Revoked
 */
int build_statement_inspect(const char *path, const struct build_statement_view *view,
			    enum verity_verdict *ret,
			    struct verity_error *err) must_check;
