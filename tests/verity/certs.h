/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Certificates, key rings and signatures of every kind, right and wrong, as the tests of
 * verity/cms_*.c need them: made by libcrypto alone, not by what is tested.
 */

#include <openssl/cms.h>
#include <stdint.h>

#include "verity/sign/cms_sign.h"

#define CERTS_NOW         INT64_C(1700000000) /* when signatures are made */
#define CERTS_YEAR        INT64_C(31556952)
#define CERTS_SIGNERS_MAX 16

/* What a certificate is to be; what is left out is what a good one of a leaf has. */
struct cert_spec {
	const char *name;  /* common name */
	size_t name_bytes; /* 0: up to its final 0 */
	const char *key; /* "P-256" where NULL; a curve, "RSA:BITS", "RSA-PSS:BITS" … */
	EVP_PKEY *same_key;        /* take this one; borrowed */
	const struct cert *issuer; /* NULL: itself */
	const char *usage;         /* extended; "codeSigning" where NULL; "": none */
	const char *key_usage;     /* "digitalSignature" where NULL, or CA's */
	const EVP_MD *digest;      /* SHA-256 where NULL */
	int64_t from, until;       /* seconds since 1970; a good range where 0 */
	bool ca;                   /* then usage is none where NULL */
	bool no_key_ids;
	const char *more[3][2]; /* extensions: name and value, as openssl has them */
};

struct cert {
	EVP_PKEY *key;
	X509 *x509;
};

void cert_make(const struct cert_spec *spec, struct cert *ret);
void cert_free(struct cert *cert);
void cert_key_id(const struct cert *cert, uint8_t ret[static VERITY_KEY_ID_BYTES]);

/* A certificate of a key ring and the name of its file. */
struct certs_anchor {
	const char *file;
	const struct cert *cert;
};

/* Read from a folder as any key ring is; up to the anchor without a file. */
struct verity_keyring *certs_ring(const struct certs_anchor *anchors);

/* Who signs, and how. */
struct certs_signer {
	const struct cert *cert; /* NULL: the end of the list */
	const EVP_MD *digest;    /* SHA-256 where NULL */
	int64_t when;            /* CERTS_NOW where 0 */
	bool pss;                /* of an RSA key */
	int salt_bytes;          /* of PSS; as long as the digest where 0 */
	const EVP_MD *mgf1;      /* of PSS; the digest where NULL */
	bool hidden;             /* its certificate is not enclosed */
	bool by_key_id;
};

/* A CMS, not yet bytes: to be spoiled. @enclosed ends with NULL, or is NULL. */
CMS_ContentInfo *certs_cms(const void *data, size_t size,
			   const struct certs_signer *signers,
			   const struct cert *const *enclosed);

/* The same without signed attributes. */
CMS_ContentInfo *certs_cms_plain(const void *data, size_t size,
				 const struct certs_signer *signers);

/* Sign anew what was changed in the signed attributes; of a key that is no RSA-PSS. */
void certs_sign_again(CMS_SignerInfo *signer, EVP_PKEY *key, const EVP_MD *digest);

/* Takes @cms. Return: DER, OPENSSL_free(). */
uint8_t *certs_der(CMS_ContentInfo *cms, size_t *ret_size);

uint8_t *certs_sign(const void *data, size_t size, const struct certs_signer *signers,
		    const struct cert *const *enclosed, size_t *ret_size);

/* The key as wmopkg-build has it: from files. @chain may be NULL. */
struct verity_signing_key *certs_signing_key(const struct cert *cert,
					     const struct cert *chain);
