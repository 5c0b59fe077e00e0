/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a signer's certificate chains to the key ring: by certificates that are
 * enclosed, valid at the signing time, strong enough, and for the purpose.
 */

#include <openssl/cms.h>

#include "verity/cms/cms.h"

/* What does not change from one signer of a CMS to the next; all borrowed. */
struct verity_cms_trust {
	STACK_OF(X509) * enclosed; /* NULL: none */
	const struct verity_keyring *keyring;
	enum verity_purpose purpose;
};

/**
 * verity_cms_chain_check - find the anchor of a signer
 * @when:       seconds since 1970, that the certificates are judged at
 * @signatures: gets the keys of the chain
 * @ret_anchor: file of the key ring that the chain ends in; set on success alone
 *
 * Return: 0; -EKEYREJECTED (UNTRUSTED_SIGNER, WEAK_KEY); -EBADMSG (BAD_SIGNATURE) where
 * too many certificates take part; -ENOMEM.
 */
int verity_cms_chain_check(const struct verity_cms_trust *trust, X509 *certificate,
			   int64_t when, struct verity_signatures *signatures,
			   char ret_anchor[static VERITY_KEYRING_NAME_MAX + 1],
			   struct verity_error *err) must_check;
