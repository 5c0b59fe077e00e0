/* SPDX-License-Identifier: MIT */
#pragma once

/* What is told of a signer, and the keys that take part in a signature. */

#include <openssl/cms.h>

#include "verity/cms/cms.h"

/**
 * verity_cms_signer_describe - name, key and signing time
 * @certificate: NULL where the signer is nobody that is known
 */
void verity_cms_signer_describe(CMS_SignerInfo *signer, X509 *certificate,
				struct verity_signer *ret);

/**
 * verity_cms_print_name - a name as RFC 2253 has it, controls and non-ASCII escaped
 * @size: bytes of @ret; a name that is too long is cut, not within an escape, and ends
 *        in "..."
 */
void verity_cms_print_name(const X509_NAME *name, char *ret, size_t size);

/**
 * verity_cms_key_id - SHA-256 of a certificate's SubjectPublicKeyInfo
 *
 * Return: false where it has none.
 */
bool verity_cms_key_id(X509 *certificate, uint8_t ret[static VERITY_KEY_ID_BYTES]);

/**
 * verity_cms_add_key - take the key of a certificate into @signatures, once
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where there are too many, or it has none.
 */
int verity_cms_add_key(X509 *certificate, struct verity_signatures *signatures,
		       struct verity_error *err) must_check;
