/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Checking CMS signatures (RFC 5652) over a manifest with OpenSSL: detached, DER, with
 * signed attributes. A certificate's validity is judged at the signing time of
 * those attributes, or at that of a timestamp (RFC 3161) where there is one, never at the
 * system's clock, which cannot be relied on.
 */

#include "verity/cms/keyring.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_SIGNER_MAX   256 /* bytes of a signer's printed name */
#define VERITY_SIGNERS_MAX  8
#define VERITY_KEY_IDS_MAX  64 /* certificates that take part in a signature */
#define VERITY_KEY_ID_BYTES 32

/*
 * The extended key usage of certificates that sign unlock statements, so that no key for
 * packages can sign one and the other way round: an OID of the UUID arc (X.667).
 */
#define VERITY_OID_UNLOCK "2.25.262918127440573346229120389441173150337"

/* What a signature is for; the signer's certificate must say so (extended key usage). */
enum verity_purpose {
	VERITY_PURPOSE_PACKAGE,   /* codeSigning: packages and deny lists */
	VERITY_PURPOSE_UNLOCK,    /* VERITY_OID_UNLOCK: unlock statements */
	VERITY_PURPOSE_TIMESTAMP, /* timeStamping: the time of a signature */
};

struct verity_signer {
	/* RFC 2253 name: printable, see verity_certificate_name() */
	char subject[VERITY_SIGNER_MAX];
	int64_t signed_at;  /* seconds since 1970, from the signature; -1: none */
	int64_t stamped_at; /* confirmed by an authority of the key ring; -1: none */
	/* SHA-256 of the certificate's SubjectPublicKeyInfo; what deny lists name */
	uint8_t key_id[VERITY_KEY_ID_BYTES];
	/* key ring file that its chain ends in; "" where it does not chain: a claim only
	 */
	char anchor[VERITY_KEYRING_NAME_MAX + 1];
	char stamped_by[VERITY_KEYRING_NAME_MAX + 1]; /* likewise, of that authority */
};

/**
 * verity_signer_time - when it was signed: as an authority confirms, else as it says
 * itself
 */
static inline int64_t verity_signer_time(const struct verity_signer *signer)
{
	return signer->stamped_at >= 0 ? signer->stamped_at : signer->signed_at;
}

/*
 * All signers, those that chain to the key ring first; and the keys of all
 * certificates that take part: signers', enclosed ones, anchors. Plain data.
 */
struct verity_signatures {
	struct verity_signer signers[VERITY_SIGNERS_MAX];
	size_t count;
	uint8_t key_ids[VERITY_KEY_IDS_MAX][VERITY_KEY_ID_BYTES];
	size_t key_id_count;
	bool other_purpose; /* one chains to the key ring, and is for something else */
};

/**
 * verity_cms_verify - check a detached signature
 *
 * The work is bounded whatever the bytes are: see verity/cms/parts.h and
 * verity/cms/work.h.
 *
 * @ret: who signed; filled also on -EKEYREJECTED, where no signer has an anchor; empty
 *       where that is unknown
 *
 * Return: 0 where a signer chains to the key ring; -EKEYREJECTED (UNTRUSTED_SIGNER,
 * WEAK_KEY, MISSING_TIMESTAMP) where the signature covers @data but no signer does;
 * -EBADMSG (BAD_SIGNATURE) where it is not one well-formed DER CMS, or does not cover
 * @data; -ENOMEM.
 */
int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      enum verity_purpose purpose, struct verity_signatures *ret,
		      struct verity_error *err) must_check;
