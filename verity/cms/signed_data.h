/* SPDX-License-Identifier: MIT */
#pragma once

/* One SignedData while it is checked, be it a signature or the token of a timestamp. */

#include "verity/cms/decode.h"
#include "verity/cms/enclosed.h"

struct verity_cms_signed_data {
	struct verity_cms_parts parts;
	struct verity_cms_enclosed enclosed;
	struct verity_cms_work work; /* its links are of certificates in here */
	CMS_ContentInfo *cms;        /* owned */
	BIO *digests;                /* owned; of the data */
};

/**
 * verity_cms_signed_data_open - decode, and check all that needs no key
 * @kind:  what is signed
 * @data:  detached data; NULL for a kind that encloses it
 * @keyring: where to look for a signer's certificate first; NULL: nowhere
 * @ret:   begins as zeros; verity_cms_signed_data_end() also on failure
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -ENOMEM.
 */
int verity_cms_signed_data_open(const void *signature, size_t signature_bytes,
				enum verity_cms_kind kind, const void *data,
				size_t data_bytes, const struct verity_keyring *keyring,
				struct verity_cms_signed_data *ret,
				struct verity_error *err) must_check;

void verity_cms_signed_data_end(struct verity_cms_signed_data *data);

/**
 * verity_cms_signed_data_certify - find the certificates that chain to the ring
 * @strange: budget of operations for what leads nowhere
 */
int verity_cms_signed_data_certify(struct verity_cms_signed_data *data,
				   const struct verity_keyring *keyring, unsigned strange,
				   struct verity_error *err) must_check;

/**
 * verity_cms_signed_data_signer - signer number @index; borrowed
 */
CMS_SignerInfo *verity_cms_signed_data_signer(const struct verity_cms_signed_data *data,
					      size_t index);

/**
 * verity_cms_signed_data_known - the certificate of the key ring that a signer names
 *
 * Return: borrowed; NULL: none.
 */
X509 *verity_cms_signed_data_known(const struct verity_cms_signed_data *data,
				   size_t index);
