/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * CMS signatures (RFC 5652) over a manifest, made and checked with OpenSSL: detached,
 * DER, with signed attributes. A certificate's validity is judged at the signing time of
 * those attributes, never at the system's clock, which cannot be relied on.
 */

#include "verity/keyring.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_SIGNER_MAX 256 /* bytes of a signer's printed name */

struct verity_signer {
	char subject[VERITY_SIGNER_MAX]; /* RFC 2253 name, controls and non-ASCII escaped
					  */
	int64_t signed_at; /* seconds since 1970, from the signature; -1: none */
};

/**
 * verity_cms_verify - check a detached signature
 * @ret: who signed; set also on -EKEYREJECTED, where it is a claim only
 *
 * Return: 0 where a signer chains to the key ring; -EKEYREJECTED (UNTRUSTED_SIGNER) where
 * the signature covers @data but no signer does; -EBADMSG (BAD_SIGNATURE) where it is not
 * one well-formed DER CMS, or does not cover @data; -ENOMEM.
 */
int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      struct verity_signer *ret, struct verity_error *err) must_check;

/* Who signs, and the certificates that travel in the signature. */
struct verity_signing_key;

/**
 * verity_signing_key_load - read a private key and its certificate
 * @key_path:   PEM private key
 * @cert_path:  PEM certificate of that key
 * @chain_path: PEM intermediate certificates to enclose, or NULL
 * @ret:        set on success alone; free with verity_signing_key_free()
 *
 * Return: 0; -EINVAL where a file does not hold what it should or key and certificate do
 * not belong together; -errno.
 */
int verity_signing_key_load(const char *key_path, const char *cert_path,
			    const char *chain_path, struct verity_signing_key **ret,
			    struct verity_error *err) must_check;

void verity_signing_key_free(struct verity_signing_key *key);

/**
 * verity_cms_sign - sign @data
 * @when: signing time, seconds since 1970
 * @ret:  DER, set on success alone; free()
 *
 * Return: 0; -EINVAL where OpenSSL refuses or the result passes VERITY_SIGNATURE_MAX.
 */
int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err) must_check;
