/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The parts of a CMS SignedData (RFC 5652), found in its bytes before OpenSSL decodes any
 * of them. The work that a signature causes is bounded here: OpenSSL decodes each public
 * key as soon as it sees it, and verifies whatever size it has. docs/format.md has the
 * limits.
 */

#include <stdint.h>

#include "verity/cms/cms.h"
#include "verity/cms/der.h"

#define VERITY_CMS_DIGESTS_MAX           3     /* digest algorithms */
#define VERITY_CMS_ELEMENTS_MAX          8192  /* of DER, in all of it */
#define VERITY_CMS_CERTIFICATE_MAX       8192  /* bytes of one */
#define VERITY_CMS_EXTENSIONS_MAX        32    /* of one certificate */
#define VERITY_CMS_SIGNED_ATTRIBUTES_MAX 16    /* of one signer */
#define VERITY_CMS_SIGNED_BYTES_MAX      4096  /* of these */
#define VERITY_CMS_TOKEN_MAX             16384 /* bytes of a timestamp of a signer */
#define VERITY_CMS_RSA_BITS_MAX          4096
#define VERITY_CMS_RSA_EXPONENT_BITS_MAX 32
#define VERITY_CMS_PSS_SALT_MAX          512 /* bytes */

/* Each is the content of an element, where nothing else is said; borrowed. */
struct verity_cms_certificate {
	struct verity_der whole; /* with its header, as all below */
	struct verity_der serial;
	struct verity_der issuer;
	struct verity_der subject;
	struct verity_der key;    /* SubjectPublicKeyInfo */
	struct verity_der key_id; /* content of the SubjectKeyIdentifier; empty: none */
};

/* How a signer is named: by issuer and serial number, or by key id; the others empty. */
struct verity_cms_signer_id {
	struct verity_der issuer; /* with its header, as the next */
	struct verity_der serial;
	struct verity_der key_id;
	struct verity_der attributes; /* signed ones; empty: none */
	struct verity_der signature;
	struct verity_der token; /* TimeStampToken, with its header; empty: none */
};

/* Plain data; points into the bytes that it was read from. */
struct verity_cms_parts {
	struct verity_der version; /* each with its header */
	struct verity_der digests;
	struct verity_der content;
	struct verity_der signers;
	struct verity_cms_certificate certificates[VERITY_KEY_IDS_MAX];
	size_t certificate_count;
	struct verity_cms_signer_id ids[VERITY_SIGNERS_MAX]; /* in their order */
	size_t signer_count;
};

/**
 * verity_cms_parts_read - find the parts, and refuse what is over a limit
 *
 * Version numbers must be those that RFC 5652 §5.1 and §5.3 require: no signature covers
 * them and OpenSSL looks at none of them, so else a flipped bit would not be seen.
 * Cost: linear in @bytes, without allocation.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_parts_read(const void *signature, size_t bytes,
			  struct verity_cms_parts *ret,
			  struct verity_error *err) must_check;
