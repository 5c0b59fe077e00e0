/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The certificates that a signature encloses. Each is decoded only when it is needed, and
 * that is from the key ring downwards: a certificate counts where its issuer is in the
 * ring, or counts itself.
 */

#include "verity/cms/issued.h"
#include "verity/cms/keyring.h"
#include "verity/cms/parts.h"
#include "verity/cms/work.h"

#include <openssl/x509.h>

struct verity_cms_enclosed {
	const struct verity_cms_parts *parts; /* borrowed */
	struct verity_cms_found {
		X509 *x509;               /* owned; NULL: not decoded */
		uint64_t subject, issuer; /* hashes of the names */
		bool wanted;              /* of a signer, or above one */
		bool has_issuer;          /* by name, in the ring or certified */
		bool certified;           /* it chains to the ring by signatures */
		unsigned spent;           /* of the budget, on it */
		bool digested;
		uint8_t digest[32]; /* SHA-256 of it, where it is digested */
	} each[VERITY_KEY_IDS_MAX];
	STACK_OF(X509) * certified;       /* borrowed from @each */
	struct verity_cms_issued *issued; /* borrowed from the ring */
};

/**
 * verity_cms_enclosed_begin - nothing is decoded yet
 * @parts: borrowed
 */
void verity_cms_enclosed_begin(struct verity_cms_enclosed *ret,
			       const struct verity_cms_parts *parts);

void verity_cms_enclosed_end(struct verity_cms_enclosed *enclosed);

/**
 * verity_cms_enclosed_find - the certificate that a signer names
 *
 * Names and numbers must be the same to the byte.
 *
 * Return: its index; -1: it is not there.
 */
int verity_cms_enclosed_find(const struct verity_cms_enclosed *enclosed,
			     const struct verity_cms_signer_id *id);

/**
 * verity_cms_enclosed_get - decode a certificate
 *
 * Return: borrowed; NULL where it cannot be decoded.
 */
X509 *verity_cms_enclosed_get(struct verity_cms_enclosed *enclosed, size_t index);

/**
 * verity_cms_enclosed_digest - SHA-256 of a certificate, computed once
 */
const uint8_t *verity_cms_enclosed_digest(struct verity_cms_enclosed *enclosed,
					  size_t index);

/**
 * verity_cms_enclosed_certify - find those that chain to the ring
 * @wanted: .wanted is set of the signers' certificates
 *
 * Decodes and verifies what the names of a chain lead to, from the ring downwards. One
 * that is made up costs at least one of the budget, be it for an operation or because it
 * was decoded; what is below it is not looked at.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) where one cannot be decoded; -ENOMEM.
 */
int verity_cms_enclosed_certify(struct verity_cms_enclosed *enclosed,
				const struct verity_keyring *keyring,
				struct verity_cms_work *work,
				struct verity_error *err) must_check;
