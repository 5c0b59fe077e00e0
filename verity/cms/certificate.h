/* SPDX-License-Identifier: MIT */
#pragma once

/* What one certificate says: whose it is, which key, and what it is for. */

#include "verity/cms/cms.h"

#include <openssl/x509.h>

/**
 * verity_certificate_name - the subject as RFC 2253 has it; all that is not ASCII is
 * escaped where the whole of it is not printable
 * @size: bytes of @ret, 4 or more; a longer name is cut, not inside an escape, and ends
 *        with "..."
 */
void verity_certificate_name(const X509 *certificate, char *ret, size_t size);

/**
 * verity_certificate_key_id - SHA-256 of the SubjectPublicKeyInfo
 *
 * Return: false where it has none.
 */
bool verity_certificate_key_id(X509 *certificate,
			       uint8_t ret[static VERITY_KEY_ID_BYTES]);

/**
 * verity_certificate_check_time - whether the certificate is valid at a time
 * @when: seconds since 1970
 *
 * Return: X509_V_OK, or the reason of OpenSSL.
 */
int verity_certificate_check_time(const X509 *certificate, int64_t when);

/**
 * verity_key_bits_min - the fewest bits that a key of this type may have
 * @key: may be NULL
 *
 * Return: 0 where the key is neither RSA nor EC.
 */
int verity_key_bits_min(const EVP_PKEY *key);

/**
 * verity_purpose_name - "signing packages (extended key usage codeSigning)"
 */
const char *verity_purpose_name(enum verity_purpose purpose);

/**
 * verity_certificate_is_for - whether it has the extended key usage of @purpose
 *
 * Any purpose (anyExtendedKeyUsage) does not count.
 */
bool verity_certificate_is_for(X509 *certificate, enum verity_purpose purpose);
