/* SPDX-License-Identifier: MIT */

/* The order of checking a signature: decode, integrity, then each signer's trust. */

#include "verity/cms/cms.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "verity/cms/certificate.h"
#include "verity/cms/chain.h"
#include "verity/cms/decode.h"
#include "verity/cms/integrity.h"
#include "verity/cms/openssl.h"

/* A denied key counts wherever it takes part, in a chain or not. */
static int add_keys(CMS_ContentInfo *cms, STACK_OF(X509) * enclosed,
		    struct verity_signatures *signatures, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	int r = 0;

	for (int i = 0; r == 0 && i < sk_X509_num(enclosed); i++)
		r = verity_cms_add_key(sk_X509_value(enclosed, i), signatures, err);
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++) {
		X509 *certificate = NULL;

		CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, i), NULL,
					 &certificate, NULL, NULL);
		if (certificate)
			r = verity_cms_add_key(certificate, signatures, err);
	}
	return r;
}

/* The signing time among the signed attributes; -1 where there is none. */
static int64_t signing_time(CMS_SignerInfo *signer)
{
	int index = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;
	struct tm tm;

	/* One attribute, one value: OpenSSL counts only those of known signers. */
	if (index < 0 ||
	    CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, index) >= 0)
		return -1;
	attribute = CMS_signed_get_attr(signer, index);
	if (X509_ATTRIBUTE_count(attribute) != 1)
		return -1;
	value = X509_ATTRIBUTE_get0_type(attribute, 0);
	if ((value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(value->value.asn1_string, &tm) != 1)
		return -1;
	return timegm(&tm);
}

static int check_signer(const struct verity_cms_trust *trust, CMS_SignerInfo *info,
			struct verity_signatures *signatures, struct verity_signer *ret,
			struct verity_error *err)
{
	X509 *certificate = NULL;

	*ret = (struct verity_signer){.signed_at = -1};
	CMS_SignerInfo_get0_algs(info, NULL, &certificate, NULL, NULL);
	if (!certificate)
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is neither in the signature nor in "
			"the key ring");
	ret->signed_at = signing_time(info);
	verity_certificate_name(certificate, ret->subject, sizeof(ret->subject));
	(void)verity_certificate_key_id(certificate, ret->key_id);
	if (ret->signed_at < 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the signature does not say when it was made");
	if (!trust->keyring)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "there is no key ring to verify it with");
	if (verity_keyring_count(trust->keyring) == 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the key ring is empty");
	return verity_cms_chain_check(trust, certificate, ret, signatures, err);
}

/*
 * In the order of the signature, trusted signers before the others. Where none is
 * trusted, the reason of the first counts.
 */
static int check_signers(const struct verity_cms_trust *trust, CMS_ContentInfo *cms,
			 struct verity_signatures *ret, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	struct verity_error first = {.code = VERITY_OK};
	size_t trusted = 0;

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		struct verity_error why = {.code = VERITY_OK};
		struct verity_signer signer;
		int r = check_signer(trust, sk_CMS_SignerInfo_value(signers, i), ret,
				     &signer, &why);
		size_t index = r < 0 ? ret->count : trusted++;

		if (r < 0 && r != -EKEYREJECTED) {
			if (err)
				*err = why;
			return r;
		}
		if (r < 0 && first.code == VERITY_OK)
			first = why;
		memmove(&ret->signers[index + 1], &ret->signers[index],
			(ret->count++ - index) * sizeof(signer));
		ret->signers[index] = signer;
	}
	if (trusted)
		return 0;
	if (err)
		*err = first;
	return -EKEYREJECTED;
}

int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      enum verity_purpose purpose, struct verity_signatures *ret,
		      struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_with(verity_certificates_free_p) STACK_OF(X509) *enclosed = NULL;
	int r;

	*ret = (struct verity_signatures){.count = 0};
	/* An error that an earlier call left there is not this one's. */
	ERR_clear_error();
	r = verity_cms_decode(signature, signature_bytes, &cms, err);
	if (r == 0) {
		enclosed = CMS_get1_certs(cms);
		r = verity_cms_integrity_check(cms, data, data_bytes, enclosed, keyring,
					       err);
	}
	if (r == 0)
		r = add_keys(cms, enclosed, ret, err);
	if (r == 0) {
		struct verity_cms_trust trust = {enclosed, keyring, purpose};

		r = check_signers(&trust, cms, ret, err);
	}
	if (r < 0 && r != -EKEYREJECTED)
		*ret = (struct verity_signatures){.count = 0};
	ERR_clear_error();
	return r;
}
