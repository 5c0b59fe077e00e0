/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/cms.h"
#include "verity/cms_key.h"
#include "verity/format.h"
#include "verity/keyring_private.h"
#include "verity/signing_key_private.h"

DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);
DEFINE_CLEANUP(ASN1_TIME, ASN1_TIME_free);

/* UTCTime until 2049, GeneralizedTime after it, as RFC 5652 §11.3 asks. */
static int set_signing_time(CMS_SignerInfo *signer, int64_t when)
{
	cleanup_with(ASN1_TIME_free_p) ASN1_TIME *asn1 =
		ASN1_TIME_set(NULL, (time_t)when);

	return asn1 && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime,
						   asn1->type, asn1, -1) == 1;
}

static CMS_ContentInfo *sign(BIO *content, const struct verity_signing_key *key,
			     int64_t when)
{
	const unsigned flags = CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP |
			       CMS_CADES | CMS_KEY_PARAM;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, key->chain, content, flags);
	CMS_SignerInfo *signer;

	if (!cms)
		return NULL;
	signer = CMS_add1_signer(cms, key->certificate, key->key,
				 verity_cms_digest_of(key->key), flags);
	if (!signer || !verity_cms_set_padding(signer, key->key, key->padding) ||
	    !set_signing_time(signer, when) || CMS_final(cms, content, NULL, flags) != 1)
		return NULL;
	return steal_ptr(&cms);
}

void verity_signing_key_set_padding(struct verity_signing_key *key,
				    enum verity_rsa_padding padding)
{
	key->padding = padding;
}

int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_free uint8_t *copy = NULL;
	unsigned char *der = NULL;
	int size, r;

	ERR_clear_error();
	if (data_bytes > INT_MAX)
		return verity_fail(err, VERITY_E_KEY, "too much to sign");
	r = verity_cms_key_check(key->key, key->padding, err);
	if (r < 0)
		return r;
	content = BIO_new_mem_buf(data, (int)data_bytes);
	cms = content ? sign(content, key, when) : NULL;
	size = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	if (size < 0)
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	copy = malloc((size_t)size);
	if (copy)
		memcpy(copy, der, (size_t)size);
	OPENSSL_free(der);
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (size > VERITY_SIGNATURE_MAX)
		return verity_fail(
			err, VERITY_E_KEY,
			"the signature has %d bytes, over the limit of %d (enclose "
			"fewer certificates)",
			size, VERITY_SIGNATURE_MAX);
	*ret_bytes = (size_t)size;
	*ret = steal_ptr(&copy);
	return 0;
}
