/* SPDX-License-Identifier: MIT */
#pragma once

/* Which keys may sign, and how each of them does. */

#include <openssl/cms.h>

#include "verity/cms/cms.h"

/**
 * verity_cms_key_bits_min - fewest bits of a key of this type; 0 where that is not what
 * its strength is told by
 * @key: NULL: one that cannot be read
 */
int verity_cms_key_bits_min(const EVP_PKEY *key);

/**
 * verity_cms_key_check - whether OpenSSL can sign with a key as asked
 *
 * Return: 0; -EINVAL (KEY).
 */
int verity_cms_key_check(const EVP_PKEY *key, enum verity_rsa_padding padding,
			 struct verity_error *err) must_check;

/**
 * verity_cms_digest_of - what a key signs with: a digest as strong as itself
 */
const EVP_MD *verity_cms_digest_of(const EVP_PKEY *key);

/**
 * verity_cms_set_padding - have a signer, added with CMS_KEY_PARAM, sign with @padding
 *
 * Return: false where OpenSSL refuses; true, also where it is no RSA key.
 */
bool verity_cms_set_padding(CMS_SignerInfo *signer, const EVP_PKEY *key,
			    enum verity_rsa_padding padding) must_check;
