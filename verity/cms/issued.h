/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Certificates that chain to the key ring, kept from one signature to the next: the
 * packages of a device have few signers, and to decode a certificate takes more time than
 * to verify a signature. Only what the ring vouches for gets in, so a stranger can
 * neither fill it nor push another one out.
 */

#include "verity/cms/der.h"
#include "verity/util/cleanup.h"

#include <openssl/x509.h>

#define VERITY_CMS_ISSUED_MAX 16 /* more are decoded each time */

/* May be used from several threads. */
struct verity_cms_issued;

/**
 * verity_cms_issued_new - none yet
 *
 * Return: NULL without memory.
 */
struct verity_cms_issued *verity_cms_issued_new(void);

void verity_cms_issued_free(struct verity_cms_issued *issued);

DEFINE_CLEANUP(struct verity_cms_issued, verity_cms_issued_free);

/**
 * verity_cms_issued_get - the certificate with these bytes, if @issuer has signed it
 * @issuer: of the ring, or of verity_cms_issued_get(); known by its address
 *
 * Return: the caller's, X509_free(); NULL: not known.
 */
X509 *verity_cms_issued_get(struct verity_cms_issued *issued, struct verity_der bytes,
			    const X509 *issuer);

/**
 * verity_cms_issued_add - remember a certificate
 * @certificate: decoded from @bytes, and verified to be signed by @issuer, which chains
 * to the ring; both get one more reference
 */
void verity_cms_issued_add(struct verity_cms_issued *issued, struct verity_der bytes,
			   X509 *certificate, X509 *issuer);
