/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a signer's certificate chains to the key ring: by certificates that are
 * enclosed, valid at the signing time, strong enough, and for the purpose.
 */

#include "verity/cms/cms.h"
#include "verity/cms/enclosed.h"

#include <openssl/x509.h>

/* Why a signer is not trusted whose certificates or signature were not verified; %d */
#define VERITY_CMS_NOT_CHECKED                                                           \
	"the signer is not checked: over %d other signatures and certificates that do "  \
	"not chain to a key of this device"

/* What is the same for every signer of a CMS; all borrowed. */
struct verity_cms_trust {
	STACK_OF(X509) * enclosed; /* those that chain to the ring; NULL: none */
	const struct verity_keyring *keyring;
	enum verity_purpose purpose;
	struct verity_cms_work *work;
};

/**
 * verity_cms_add_key_id - add a key to @signatures, once
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where there are too many.
 */
int verity_cms_add_key_id(const uint8_t id[static VERITY_KEY_ID_BYTES],
			  struct verity_signatures *signatures,
			  struct verity_error *err) must_check;

/**
 * verity_cms_add_key - add the key of a certificate to @signatures, once
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where there are too many, or it has none.
 */
int verity_cms_add_key(X509 *certificate, struct verity_signatures *signatures,
		       struct verity_error *err) must_check;

/**
 * verity_cms_chain_check - find the anchor of a signer
 * @found:      what is known of @certificate; NULL: it is of the ring
 * @signer:     verity_signer_time() is the time at which the certificates must be valid;
 * .anchor is set on success only
 * @signatures: gets the keys of the chain
 *
 * Return: 0; -EKEYREJECTED (UNTRUSTED_SIGNER, WEAK_KEY); -EBADMSG (BAD_SIGNATURE) where
 * too many certificates take part; -ENOMEM.
 */
int verity_cms_chain_check(const struct verity_cms_trust *trust, X509 *certificate,
			   const struct verity_cms_found *found,
			   struct verity_signer *signer,
			   struct verity_signatures *signatures,
			   struct verity_error *err) must_check;
