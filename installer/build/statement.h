/* SPDX-License-Identifier: MIT */
#pragma once

/* Packages and statements that wmopkg-build reads; statements that it writes. */

#include "installer/build/signature.h"
#include "verity/package/package.h"
#include "verity/statement/inspect.h"

/**
 * build_package_open - open a package that is not Invalid
 * @refused: what is not done with an Invalid one, for the message
 * @ret:     set on success only; verity_package_free()
 *
 * Return: 0; -EBADMSG with the reason of the verdict; -errno. The message has the path.
 */
int build_package_open(const char *path, const char *refused, struct verity_package **ret,
		       struct verity_error *err) must_check;

/**
 * build_statement_at - whether a file begins as a statement does
 *
 * false for one that cannot be read: reading it as a package gives the error.
 */
bool build_statement_at(const char *path);

/**
 * build_statement_load - read a statement file and split it
 * @ret_bytes: set on success only; free()
 * @ret:       its parts, in @ret_bytes
 */
int build_statement_load(const char *path, char **ret_bytes,
			 struct verity_statement_parts *ret,
			 struct verity_error *err) must_check;

/**
 * build_statement_write - write a statement file
 * @text:    its text, 0-terminated
 * @signing: the signer; no key: the statement is not signed
 *
 * Return: 0; -EINVAL (USAGE) for the name of a package; as build_signature_make().
 */
int build_statement_write(const char *path, const char *text,
			  const struct build_signing *signing,
			  struct verity_error *err) must_check;

/**
 * build_statement_sign - write @in with another signature, or one more, as @out
 *
 * Its text stays the same, to the byte. One that no device could read is not signed.
 */
int build_statement_sign(const char *in, const char *out,
			 const struct build_resigning *resigning,
			 struct verity_error *err) must_check;

/**
 * build_statement_name - check that @path can name a statement: it is no package's name
 */
int build_statement_name(const char *path, struct verity_error *err) must_check;
