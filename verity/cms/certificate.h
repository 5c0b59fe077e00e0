/* SPDX-License-Identifier: MIT */
#pragma once

/* What a chain of certificates is for. */

#include <openssl/x509.h>

#include "verity/cms/cms.h"

/**
 * verity_purpose_name - "signing packages (extended key usage codeSigning)"
 */
const char *verity_purpose_name(enum verity_purpose purpose);

/**
 * verity_purpose_is_of - whether a certificate has the extended key usage for it
 */
bool verity_purpose_is_of(X509 *certificate, enum verity_purpose purpose);

/**
 * verity_cms_purpose_check - whether a chain, the signer's certificate first, is for it
 *
 * Return: 0; -EKEYREJECTED (UNTRUSTED_SIGNER).
 */
int verity_cms_purpose_check(STACK_OF(X509) * chain, enum verity_purpose purpose,
			     struct verity_error *err) must_check;
