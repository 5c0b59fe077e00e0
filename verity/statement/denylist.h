/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The deny list: what this device must not run any more, whoever signed it. A signed
 * statement that works offline and never expires; its number only rises.
 */

#include "verity/cms/cms.h"
#include "verity/format/manifest.h"

#define VERITY_DENY_MAX 1024 /* entries */

enum verity_deny_kind {
	VERITY_DENY_KEY,       /* a certificate's public key, anywhere in a chain */
	VERITY_DENY_ROOT_HASH, /* one image */
	VERITY_DENY_NAME,      /* a package by its identity, below an epoch */
};

struct verity_deny {
	enum verity_deny_kind kind;
	uint8_t digest[VERITY_DIGEST_BYTES]; /* key id or root hash */
	char name[VERITY_NAME_MAX + 1];
	uint32_t epoch_below;
};

/* Opaque: made by verity_denylist_read() alone, of what was signed. */
struct verity_denylist;

/**
 * verity_denylist_read - a deny list from the bytes of its statement file
 * @current: the one in force, which may deny the key of the signer; NULL: none
 * @ret:     set on success alone; free with verity_denylist_free()
 *
 * Its signer needs the purpose of packages.
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
 * It was read with its signer in the key ring once. Where that signer is not in it any
 * more, what was denied stays denied: a list can only take away. A signature that is not
 * sound is refused all the same.
 *
 * Return: 0; 1 where nobody in the key ring vouches for it any more; -EBADMSG; -ENOMEM.
 */
int verity_denylist_read_kept(const void *bytes, size_t size,
			      const struct verity_keyring *keyring,
			      struct verity_denylist **ret,
			      struct verity_error *err) must_check;

void verity_denylist_free(struct verity_denylist *denylist);

uint32_t verity_denylist_number(const struct verity_denylist *denylist);

/**
 * verity_denylist_count, verity_denylist_at - its entries, in their order; borrowed
 */
size_t verity_denylist_count(const struct verity_denylist *denylist);
const struct verity_deny *verity_denylist_at(const struct verity_denylist *denylist,
					     size_t index);

/**
 * verity_denylist_signer - who signed it; borrowed
 */
const struct verity_signer *verity_denylist_signer(
	const struct verity_denylist *denylist);

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
 * verity_denylist_check_manifest - whether it denies a root hash, or a name's epoch
 *
 * Return: 0; -EKEYREVOKED (REVOKED).
 */
int verity_denylist_check_manifest(const struct verity_denylist *denylist,
				   const struct verity_manifest *manifest,
				   struct verity_error *err) must_check;

/**
 * verity_denylist_encode - the JSON text of a deny list, to be signed
 * @ret: 0-terminated, set on success alone; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where there are too many entries; -ENOMEM.
 */
int verity_denylist_encode(uint32_t number, const struct verity_deny *entries,
			   size_t count, char **ret, struct verity_error *err) must_check;
