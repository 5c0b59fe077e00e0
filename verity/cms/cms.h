/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * CMS signatures (RFC 5652) over a manifest, made and checked with OpenSSL: detached,
 * DER, with signed attributes. A certificate's validity is judged at the signing time of
 * those attributes, never at the system's clock, which cannot be relied on.
 */

#include "verity/cms/keyring.h"
#include "verity/sign/signing_key.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_SIGNER_MAX   256 /* bytes of a signer's printed name */
#define VERITY_SIGNERS_MAX  8
#define VERITY_KEY_IDS_MAX  64 /* certificates that take part in a signature */
#define VERITY_KEY_ID_BYTES 32

/* What a signature is for; the signer's certificate must say so (extended key usage). */
enum verity_purpose {
	VERITY_PURPOSE_PACKAGE, /* codeSigning: packages and deny lists */
	VERITY_PURPOSE_UNLOCK,  /* VERITY_OID_UNLOCK: unlock statements */
};

struct verity_signer {
	/* RFC 2253 name, controls and non-ASCII escaped */
	char subject[VERITY_SIGNER_MAX];
	int64_t signed_at; /* seconds since 1970, from the signature; -1: none */
	/* SHA-256 of the certificate's SubjectPublicKeyInfo; what deny lists name */
	uint8_t key_id[VERITY_KEY_ID_BYTES];
	/* key ring file that its chain ends in; "" where it does not chain: a claim only
	 */
	char anchor[VERITY_KEYRING_NAME_MAX + 1];
};

/*
 * Everybody who signed, those that chain to the key ring first; and the keys of all
 * certificates that take part: signers', enclosed ones, anchors. Plain data.
 */
struct verity_signatures {
	struct verity_signer signers[VERITY_SIGNERS_MAX];
	size_t count;
	uint8_t key_ids[VERITY_KEY_IDS_MAX][VERITY_KEY_ID_BYTES];
	size_t key_id_count;
};

/**
 * verity_cms_verify - check a detached signature
 * @ret: who signed; filled also on -EKEYREJECTED, where no signer has an anchor; empty
 *       where that cannot be told
 *
 * Return: 0 where a signer chains to the key ring; -EKEYREJECTED (UNTRUSTED_SIGNER,
 * WEAK_KEY) where the signature covers @data but no signer does; -EBADMSG (BAD_SIGNATURE)
 * where it is not one well-formed DER CMS, or does not cover @data; -ENOMEM.
 */
int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      enum verity_purpose purpose, struct verity_signatures *ret,
		      struct verity_error *err) must_check;

/* How an RSA key signs. */
enum verity_rsa_padding {
	VERITY_RSA_PSS,   /* salt as long as the digest */
	VERITY_RSA_PKCS1, /* PKCS #1 v1.5, for tokens that cannot do PSS */
};

/**
 * verity_signing_key_set_padding - how @key signs where it is an RSA key; PSS unless told
 */
void verity_signing_key_set_padding(struct verity_signing_key *key,
				    enum verity_rsa_padding padding);

/**
 * verity_signing_key_check_purpose - whether the certificate of @key is for @purpose, so
 * that nobody hands out what every device refuses
 *
 * Return: 0; -EINVAL (KEY).
 */
int verity_signing_key_check_purpose(const struct verity_signing_key *key,
				     enum verity_purpose purpose,
				     struct verity_error *err) must_check;

/**
 * verity_cms_sign - sign @data
 * @when: signing time, seconds since 1970
 * @ret:  DER, set on success alone; free()
 *
 * With SHA-384 where the key is P-384, SHA-512 where it is P-521, SHA-256 else. Not with
 * an Ed25519 key: OpenSSL 3.0 has no CMS for it. How strong the key is is the verifier's
 * to judge.
 *
 * Return: 0; -EINVAL (KEY) where the key cannot sign, OpenSSL refuses or the result
 * passes VERITY_SIGNATURE_MAX.
 */
int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err) must_check;

/**
 * verity_cms_add - sign @data beside those who have signed it already
 * @present: their signature, DER
 * @when:    signing time, seconds since 1970
 * @ret:     all of them, DER, set on success alone; free()
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where @present does not cover @data; -EINVAL (KEY)
 * as verity_cms_sign(), where the key's certificate has signed already, and where
 * VERITY_SIGNERS_MAX have.
 */
int verity_cms_add(const void *data, size_t data_bytes, const void *present,
		   size_t present_bytes, const struct verity_signing_key *key,
		   int64_t when, uint8_t **ret, size_t *ret_bytes,
		   struct verity_error *err) must_check;
