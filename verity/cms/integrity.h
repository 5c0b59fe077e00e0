/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whether a CMS covers its data and every signer of it signed that. Who the signers are
 * is not asked.
 */

#include <openssl/cms.h>
#include <stddef.h>

#include "verity/cms/keyring.h"

/**
 * verity_cms_sound_check - whether every signature in it is sound
 * @keyring: where to look for certificates that are not enclosed; NULL: nowhere
 *
 * On success CMS_SignerInfo_get0_algs() gives each signer's certificate. A signer that
 * has none is nobody that this device knows; all that is known of it is that its digest
 * is the data's.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -ENOMEM.
 */
int verity_cms_sound_check(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			   const struct verity_keyring *keyring,
			   struct verity_error *err) must_check;
