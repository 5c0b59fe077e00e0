/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a signer's certificate chains to the key ring: by certificates that are
 * enclosed, valid at the signing time, strong enough, and for the purpose.
 */

#include "verity/cms/cms.h"

#include <openssl/x509.h>

/* What is the same for every signer of a CMS; all borrowed. */
struct verity_cms_trust {
	STACK_OF(X509) * enclosed; /* NULL: none */
	const struct verity_keyring *keyring;
	enum verity_purpose purpose;
};

/**
 * verity_cms_add_key - add the key of a certificate to @signatures, once
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where there are too many, or it has none.
 */
int verity_cms_add_key(X509 *certificate, struct verity_signatures *signatures,
		       struct verity_error *err) must_check;

/**
 * verity_cms_chain_check - find the anchor of a signer
 * @signer:     .signed_at is the time at which the certificates must be valid; .anchor is
 *              set on success only
 * @signatures: gets the keys of the chain
 *
 * Return: 0; -EKEYREJECTED (UNTRUSTED_SIGNER, WEAK_KEY); -EBADMSG (BAD_SIGNATURE) where
 * too many certificates take part; -ENOMEM.
 */
int verity_cms_chain_check(const struct verity_cms_trust *trust, X509 *certificate,
			   struct verity_signer *signer,
			   struct verity_signatures *signatures,
			   struct verity_error *err) must_check;
