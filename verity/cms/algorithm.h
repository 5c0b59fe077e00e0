/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which algorithms a signature may have: RSA with PSS or PKCS #1 v1.5, and ECDSA, with
 * SHA-256, SHA-384 or SHA-512. No Ed25519: OpenSSL 3.0 has no CMS for it. OpenSSL takes
 * much of this from the key and ignores what the signature says; here both must agree.
 */

#include <openssl/cms.h>

#include "verity/util/error.h"

/**
 * verity_cms_algorithm_check - digest and signature algorithm of one signer
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_algorithm_check(CMS_SignerInfo *signer,
			       struct verity_error *err) must_check;

/**
 * verity_cms_algorithm_check_key - whether the algorithm is one of that key
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_algorithm_check_key(CMS_SignerInfo *signer, X509 *certificate,
				   struct verity_error *err) must_check;
