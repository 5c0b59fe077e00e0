/* SPDX-License-Identifier: MIT */
#include "verity/cms/key.h"

#include <openssl/rsa.h>

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN  224

int verity_cms_key_bits_min(const EVP_PKEY *key)
{
	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return RSA_BITS_MIN;
	case EVP_PKEY_EC:
		return EC_BITS_MIN;
	default:
		return 0;
	}
}

int verity_cms_key_check(const EVP_PKEY *key, enum verity_rsa_padding padding,
			 struct verity_error *err)
{
	int type = EVP_PKEY_get_base_id(key);

	if (type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448)
		return verity_fail(
			err, VERITY_E_KEY,
			"an %s key cannot sign: this OpenSSL has no CMS for it "
			"(use ECDSA P-256 or P-384, or RSA)",
			type == EVP_PKEY_ED25519 ? "Ed25519" : "Ed448");
	if (verity_cms_key_bits_min(key) == 0)
		return verity_fail(err, VERITY_E_KEY,
				   "the key is none of RSA and ECDSA, and cannot sign");
	if (type == EVP_PKEY_RSA_PSS && padding == VERITY_RSA_PKCS1)
		return verity_fail(
			err, VERITY_E_KEY,
			"the key is for RSA-PSS alone and cannot sign with PKCS #1 v1.5");
	return 0;
}

const EVP_MD *verity_cms_digest_of(const EVP_PKEY *key)
{
	if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC)
		return EVP_sha256();
	if (EVP_PKEY_get_bits(key) > 384)
		return EVP_sha512();
	return EVP_PKEY_get_bits(key) > 256 ? EVP_sha384() : EVP_sha256();
}

bool verity_cms_set_padding(CMS_SignerInfo *signer, const EVP_PKEY *key,
			    enum verity_rsa_padding padding)
{
	EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(signer);
	int type = EVP_PKEY_get_base_id(key);

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_RSA_PSS)
		return true;
	if (type == EVP_PKEY_RSA && padding == VERITY_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}
