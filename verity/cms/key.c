/* SPDX-License-Identifier: MIT */
#include "verity/cms/key.h"

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
