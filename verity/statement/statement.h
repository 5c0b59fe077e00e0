/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A signed statement: a small JSON object and the signature over it, in one file that
 * travels on its own. Four types: unlock statements, deny lists,
 * catalogues and sets.
 *
 *	8  magic "WMOSTM01"
 *	4  statement bytes, little-endian, 2 .. VERITY_STATEMENT_MAX
 *	4  signature bytes, 0 (not signed yet) .. VERITY_SIGNATURE_MAX
 *	…  statement, one JSON object with `type` and `format`
 *	…  signature, DER CMS SignedData, detached, over the statement only
 *
 * Nothing follows. `type` is checked before anything else of the object, so that no
 * signed thing can pass for another: no manifest for a statement, no type of statement
 * for another.
 */

#include "verity/cms/cms.h"
#include "verity/format/format.h"

struct json_object;
struct verity_json_field;

#define VERITY_STATEMENT_MAX 131072 /* VERITY_DENY_MAX of the longest entries fit */
#define VERITY_STATEMENT_FILE_MAX                                                        \
	(VERITY_HEAD_BYTES + VERITY_STATEMENT_MAX + VERITY_SIGNATURE_MAX)

enum verity_statement_type {
	VERITY_STATEMENT_UNLOCK,
	VERITY_STATEMENT_DENYLIST,
	VERITY_STATEMENT_CATALOG,
	VERITY_STATEMENT_SET,
};

/* The two parts; borrowed from the file's bytes. */
struct verity_statement_parts {
	const uint8_t *text;
	size_t text_bytes;
	const uint8_t *signature; /* 0 bytes where it is not signed yet */
	size_t signature_bytes;
};

/**
 * verity_statement_is - whether the bytes begin as a statement file does
 */
bool verity_statement_is(const void *bytes, size_t size);

/**
 * verity_statement_file_bytes - how long a statement file is, by its first
 * VERITY_HEAD_BYTES
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT, WRONG_TYPE).
 */
int verity_statement_file_bytes(const void *bytes, size_t size, size_t *ret,
				struct verity_error *err) must_check;

/**
 * verity_statement_split - find the parts of a statement file
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT where it is not one, or its length differs from its
 * head; WRONG_TYPE where it is a package).
 */
int verity_statement_split(const void *bytes, size_t size,
			   struct verity_statement_parts *ret,
			   struct verity_error *err) must_check;

/**
 * verity_statement_join - make a statement file from its parts
 * @ret: set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where a part is too long; -ENOMEM.
 */
int verity_statement_join(const struct verity_statement_parts *parts, uint8_t **ret,
			  size_t *ret_bytes, struct verity_error *err) must_check;

/**
 * verity_statement_digest - SHA-256 of the text, which names a statement
 *
 * Not of the file: another signature over the same text makes no other statement of it.
 *
 * Return: 0; -ENOMEM.
 */
int verity_statement_digest(const struct verity_statement_parts *parts,
			    uint8_t ret[static VERITY_DIGEST_BYTES],
			    struct verity_error *err) must_check;

/**
 * verity_statement_type_name - "unlock", "denylist", "catalog", "set"
 */
const char *verity_statement_type_name(enum verity_statement_type type);

/**
 * verity_statement_type_words - "an unlock statement", …: for messages
 */
const char *verity_statement_type_words(enum verity_statement_type type);

/**
 * verity_statement_verify - verify a statement file, and read it
 * @ret: its JSON object, set on success only; json_object_put()
 * @ret_signatures: who signed; set on success and on -EKEYREJECTED
 *
 * The signer's certificate must be for statements of this type. Where it is trusted for
 * the other purpose only, the message says what the statement is.
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT; BAD_SIGNATURE; WRONG_TYPE where it is another
 * thing, which the message names; UNKNOWN_FEATURE where its format is newer than this
 * program); -EKEYREJECTED (NO_SIGNATURE, UNTRUSTED_SIGNER, WEAK_KEY); -ENOMEM.
 */
int verity_statement_verify(const void *bytes, size_t size,
			    enum verity_statement_type type,
			    const struct verity_keyring *keyring,
			    struct json_object **ret,
			    struct verity_signatures *ret_signatures,
			    struct verity_error *err) must_check;

/**
 * verity_statement_decode - the JSON object of a statement's text, of the right type
 * @ret: set on success only; json_object_put()
 *
 * Whoever calls this instead of verity_statement_verify() may decide nothing by it.
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT, WRONG_TYPE, UNKNOWN_FEATURE); -ENOMEM.
 */
int verity_statement_decode(const void *text, size_t size,
			    enum verity_statement_type type, struct json_object **ret,
			    struct verity_error *err) must_check;

/**
 * verity_statement_encode - the JSON text of a statement, to be signed
 * @fields: of @text, what follows `type` and `format`
 * @ret:    0-terminated, set on success only; free()
 *
 * Return: 0; -ENOMEM.
 */
int verity_statement_encode(enum verity_statement_type type,
			    const struct verity_json_field *fields, const void *text,
			    char **ret, struct verity_error *err) must_check;
