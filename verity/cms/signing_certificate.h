/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signer's certificate among the signed attributes (RFC 5035, signingCertificateV2):
 * what wmopkg-build signs names its certificate by digest, so that a certificate which
 * was changed on the way makes the signature bad, and not just its signer unknown.
 */

#include <openssl/cms.h>

#include "verity/util/error.h"

/**
 * verity_cms_certid_check - whether @certificate is the one that @signer says it is
 *
 * Return: 0, also where the signature does not say; -EBADMSG.
 */
int verity_cms_certid_check(const CMS_SignerInfo *signer, X509 *certificate,
			    struct verity_error *err) must_check;

/**
 * verity_cms_certid_names - whether @signer says that it is @certificate's
 */
bool verity_cms_certid_names(const CMS_SignerInfo *signer, X509 *certificate);
