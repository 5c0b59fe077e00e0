/* SPDX-License-Identifier: MIT */
#pragma once

/* Statement files on the vendor's host: made, signed, taken apart, looked at. */

#include "installer/build/signature.h"
#include "verity/package/judge.h"
#include "verity/statement/inspect.h"

/* A statement file in memory. { 0 } is none. */
struct build_statement {
	char *bytes; /* owned; free() */
	size_t size;
	struct verity_statement_parts parts; /* of the bytes */
};

/**
 * build_statement_at - whether a file begins as a statement does; false also where it
 * cannot be read, which whoever takes it for a package tells
 */
bool build_statement_at(const char *path);

/**
 * build_statement_load - the file, and where its parts lie
 * @ret: filled on success alone; free its bytes
 */
int build_statement_load(const char *path, struct build_statement *ret,
			 struct verity_error *err) must_check;

/**
 * build_statement_write - write a statement file
 * @text:    its text, 0-terminated
 * @signing: whoever signs it; nobody, where it names no key
 */
int build_statement_write(const char *path, const char *text,
			  const struct build_signing *signing,
			  struct verity_error *err) must_check;

/**
 * build_statement_sign - write @in with another signature, or one more, as @out
 *
 * Its text stays as it is, to the byte. One that no device could read is not signed.
 */
int build_statement_sign(const char *in, const char *out,
			 const struct build_resigning *resigning,
			 struct verity_error *err) must_check;

/* Under whom a statement is looked at. All borrowed; NULL: nobody, nothing. */
struct build_statement_view {
	const struct verity_keyring *keyring;
	const struct verity_denylist *denylist;
	bool json;
};

/**
 * build_statement_inspect - show what a statement says, and check it
 * @ret: Signed, Unsigned, Untrusted, Invalid or Revoked
 */
int build_statement_inspect(const char *path, const struct build_statement_view *view,
			    enum verity_verdict *ret,
			    struct verity_error *err) must_check;

/**
 * build_statement_name - whether @path is a name for a statement: not a package's
 */
int build_statement_name(const char *path, struct verity_error *err) must_check;
