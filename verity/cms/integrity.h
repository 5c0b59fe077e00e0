/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a CMS matches its data and every signer of it signed that. Whether a signer is
 * trusted is not asked here.
 */

#include <openssl/cms.h>
#include <stddef.h>

#include "verity/cms/keyring.h"

/**
 * verity_cms_integrity_check - whether every signature in it is valid
 * @enclosed: the certificates in it; NULL: none
 * @keyring:  where to look for certificates first; NULL: nowhere
 *
 * On success CMS_SignerInfo_get0_algs() gives each signer's certificate. Where a signer
 * has none it is unknown to this device; all that is known of it is that its digest is
 * the data's.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -ENOMEM.
 */
int verity_cms_integrity_check(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			       STACK_OF(X509) * enclosed,
			       const struct verity_keyring *keyring,
			       struct verity_error *err) must_check;
