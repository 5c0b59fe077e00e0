/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The deny list: what this device must not run any more, whoever signed it. A signed
 * statement that works offline and never expires; its number only rises.
 *
 * A list that is kept, and whose signer the key ring does not trust, is a hint: it denies
 * what it names, and decides nothing about other lists.
 */

#include "verity/cms/cms.h"
#include "verity/format/manifest.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"

#define VERITY_DENY_MAX 1024 /* entries */

enum verity_deny_kind {
	VERITY_DENY_KEY,       /* a certificate's public key, anywhere in a chain */
	VERITY_DENY_ROOT_HASH, /* one image */
	VERITY_DENY_NAME,      /* a package by its identity, below an epoch */
	VERITY_DENY_UNLOCK,    /* one unlock statement, by the digest of its text */
};

struct verity_deny {
	enum verity_deny_kind kind;
	uint8_t digest[VERITY_DIGEST_BYTES]; /* key id, root hash, or of a statement */
	char name[VERITY_NAME_MAX + 1];
	uint32_t epoch_below;
};

/* What a deny list says, whoever signed it: nothing may be decided by it. Plain data. */
struct verity_denylist_text {
	uint32_t number;             /* 1 or more */
	struct verity_deny *entries; /* owned; free() */
	size_t count;
};

/* Opaque: made only of a signed statement, by verity_denylist_read(). */
struct verity_denylist;

struct json_object;
struct verity_json_writer;

/**
 * verity_denylist_read - a deny list from the bytes of its statement file
 * @current: the one in force, which may deny the key of the signer; NULL: none. It is
 *           asked only where the key ring vouches for it
 * @ret:     set on success only; free with verity_denylist_free()
 *
 * The signer's certificate must be for packages.
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED); -EBADMSG
 * (BAD_STATEMENT) where a value is missing or out of its range.
 */
int verity_denylist_read(const void *bytes, size_t size,
			 const struct verity_keyring *keyring,
			 const struct verity_denylist *current,
			 struct verity_denylist **ret,
			 struct verity_error *err) must_check;

/**
 * verity_denylist_read_kept - the deny list that this device has kept
 *
 * Where its signer is not in the key ring, what it denies stays denied: a list can only
 * take rights away. A signature that does not match is refused all the same.
 *
 * Return: 0; 1 where the key ring does not trust its signer; -EBADMSG; -ENOMEM.
 */
int verity_denylist_read_kept(const void *bytes, size_t size,
			      const struct verity_keyring *keyring,
			      struct verity_denylist **ret,
			      struct verity_error *err) must_check;

void verity_denylist_free(struct verity_denylist *denylist);
DEFINE_CLEANUP(struct verity_denylist, verity_denylist_free);

/**
 * verity_denylist_text - number and entries; borrowed
 */
const struct verity_denylist_text *verity_denylist_text(
	const struct verity_denylist *denylist);

/**
 * verity_denylist_signer - who signed it; borrowed
 */
const struct verity_signer *verity_denylist_signer(
	const struct verity_denylist *denylist);

/**
 * verity_denylist_vouched - whether a key of the key ring vouches for it; false for NULL
 */
bool verity_denylist_vouched(const struct verity_denylist *denylist);

/**
 * verity_denylist_check_keys - whether it denies a key that took part in a signature
 * @denylist: NULL denies nothing
 *
 * Return: 0; -EKEYREVOKED (REVOKED) with the list's number and the key in the message.
 */
int verity_denylist_check_keys(const struct verity_denylist *denylist,
			       const struct verity_signatures *signatures,
			       struct verity_error *err) must_check;

/**
 * verity_denylist_verify - verify a statement of another type, whose signer it must not
 * deny
 * @denylist:   NULL denies nothing
 * @ret_object: set on success only; json_object_put()
 * @ret_signer: its first signer, with the next on success only
 * @ret_digest: verity_statement_digest() of it
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED).
 */
int verity_denylist_verify(const struct verity_denylist *denylist, const void *bytes,
			   size_t size, enum verity_statement_type type,
			   const struct verity_keyring *keyring,
			   struct json_object **ret_object,
			   struct verity_signer *ret_signer,
			   uint8_t ret_digest[static VERITY_DIGEST_BYTES],
			   struct verity_error *err) must_check;

/**
 * verity_denylist_check_manifest - whether it denies a root hash, or a name's epoch
 *
 * Return: 0; -EKEYREVOKED (REVOKED).
 */
int verity_denylist_check_manifest(const struct verity_denylist *denylist,
				   const struct verity_manifest *manifest,
				   struct verity_error *err) must_check;

/**
 * verity_denylist_check_unlock - whether it denies one unlock statement
 * @digest: verity_statement_digest() of it
 *
 * Return: 0; -EKEYREVOKED (REVOKED).
 */
int verity_denylist_check_unlock(const struct verity_denylist *denylist,
				 const uint8_t digest[static VERITY_DIGEST_BYTES],
				 struct verity_error *err) must_check;

/**
 * verity_denylist_decode - read the JSON object of a statement of this type
 * @ret: set on success only; the caller's to free its entries
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int verity_denylist_decode(struct json_object *object, struct verity_denylist_text *ret,
			   struct verity_error *err) must_check;

/**
 * verity_denylist_encode - the JSON text of a deny list, to be signed
 * @ret: 0-terminated, set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where verity_denylist_decode() would refuse it;
 * -ENOMEM.
 */
int verity_denylist_encode(const struct verity_denylist_text *text, char **ret,
			   struct verity_error *err) must_check;

/**
 * verity_denylist_put - add the keys `number` and `deny` to the object that is open
 */
void verity_denylist_put(struct verity_json_writer *json,
			 const struct verity_denylist_text *text);
