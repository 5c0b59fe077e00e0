/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a CMS matches its data and a signer of it signed that. Whether a signer is
 * trusted is not asked here.
 */

#include <openssl/cms.h>

#include "verity/cms/decode.h"
#include "verity/cms/enclosed.h"

/**
 * verity_cms_digest - compute every digest of the data that the CMS announces
 * @ret: set on success only; BIO_free_all()
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_digest(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
		      BIO **ret, struct verity_error *err) must_check;

/**
 * verity_cms_claims_check - whether its signed attributes are those of the data
 *
 * No operation with a key. Without signed attributes nothing is checked.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_claims_check(CMS_SignerInfo *signer, enum verity_cms_kind kind,
			    BIO *digests, struct verity_error *err) must_check;

/**
 * verity_cms_signature_check - whether @certificate has signed; one operation with its
 * key
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_signature_check(CMS_SignerInfo *signer, X509 *certificate,
			       STACK_OF(X509) * others, BIO *digests,
			       struct verity_error *err) must_check;

/**
 * verity_cms_names_certificate - whether the signed attributes name a certificate
 *
 * Without that (signingCertificateV2), whoever has a certificate authority can make a key
 * under which the bytes of an existing signature are valid for other data, and the
 * timestamp of it as well.
 */
bool verity_cms_names_certificate(const CMS_SignerInfo *signer);

/**
 * verity_cms_unchecked - whether a signer may be left without a check of its signature
 *
 * Only where its signed attributes have the digest of the data: without them it is
 * nowhere but in the signature, and not even that the signature is of this data is known.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_unchecked(const CMS_SignerInfo *signer,
			 struct verity_error *err) must_check;

/**
 * verity_cms_unknown_check - a signer whose certificate is not there, by the name it
 * gives
 * @index: of the signer
 *
 * That must not be because the name, or the certificate, was changed on the way, and the
 * certificate is there after all. At most one operation with a key, from the budget.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_unknown_check(CMS_SignerInfo *signer, size_t index,
			     struct verity_cms_enclosed *enclosed,
			     const struct verity_keyring *keyring,
			     struct verity_cms_work *work,
			     struct verity_error *err) must_check;
