/* SPDX-License-Identifier: MIT */

/*
 * The order of checking a signature, so that what costs much comes last and is bounded:
 * decode, what each signer claims, which enclosed certificates chain to the key ring,
 * each signer's trust, each signer's signature.
 */

#include "verity/cms/cms.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "verity/cms/algorithm.h"
#include "verity/cms/certificate.h"
#include "verity/cms/chain.h"
#include "verity/cms/decode.h"
#include "verity/cms/integrity.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

/* What is known of one CMS while it is checked. */
struct check {
	struct verity_cms_parts parts;
	struct verity_cms_enclosed enclosed;
	struct verity_cms_work work;
	CMS_ContentInfo *cms;
	BIO *digests;
};

static void check_end(struct check *check)
{
	verity_cms_enclosed_end(&check->enclosed);
	CMS_ContentInfo_free(check->cms);
	BIO_free_all(check->digests);
}

static CMS_SignerInfo *signer_at(const struct check *check, size_t index)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(check->cms), (int)index);
}

/* The certificate of the key ring that a signer names; NULL: none. */
static X509 *known_certificate(CMS_SignerInfo *signer)
{
	X509 *certificate = NULL;

	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
	return certificate;
}

/* A denied key counts wherever it takes part, in a chain or not. */
static int add_keys(const struct check *check, struct verity_signatures *signatures,
		    struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < check->parts.certificate_count; i++) {
		const struct verity_der *key = &check->parts.certificates[i].key;
		uint8_t id[VERITY_KEY_ID_BYTES];

		if (EVP_Digest(key->next, verity_der_size(key), id, NULL, EVP_sha256(),
			       NULL) != 1)
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
		r = verity_cms_add_key_id(id, signatures, err);
	}
	for (size_t i = 0; r == 0 && i < check->parts.signer_count; i++) {
		X509 *certificate = known_certificate(signer_at(check, i));

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

/* Whether a signer is trusted; not yet, whether it has signed. */
static int check_trust(const struct verity_cms_trust *trust, CMS_SignerInfo *info,
		       X509 *certificate, const struct verity_cms_found *found,
		       struct verity_signatures *signatures, struct verity_signer *ret,
		       struct verity_error *err)
{
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
	return verity_cms_chain_check(trust, certificate, found, ret, signatures, err);
}

/*
 * The signature of one that is trusted is always verified; that of another one, as long
 * as the budget lasts. Then it counts as one that nobody knows.
 *
 * Return: 0; -EKEYREJECTED not trusted; -EBADMSG, -ENOMEM.
 */
static int check_signer(struct check *check, size_t index,
			const struct verity_cms_trust *trust,
			struct verity_signatures *signatures, struct verity_signer *ret,
			struct verity_error *err)
{
	CMS_SignerInfo *info = signer_at(check, index);
	int place = verity_cms_enclosed_find(&check->enclosed, &check->parts.ids[index]);
	struct verity_cms_found *found = NULL;
	X509 *certificate = known_certificate(info);
	struct verity_error why;
	int r, bad;

	*ret = (struct verity_signer){.signed_at = -1};
	if (!certificate && place < 0) {
		r = verity_cms_unknown_check(info, index, &check->enclosed,
					     trust->keyring, &check->work, err);
		return r < 0 ? r
			     : verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "the signer's certificate is neither in the "
					   "signature nor in the key ring");
	}
	if (!certificate) {
		found = &check->enclosed.each[place];
		if (!found->certified && check->work.strange_left == 0)
			return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   VERITY_CMS_NOT_CHECKED,
					   VERITY_CMS_STRANGE_MAX);
		certificate = verity_cms_enclosed_get(&check->enclosed, (size_t)place);
		if (!certificate)
			return verity_fail_openssl(
				err, VERITY_E_BAD_SIGNATURE,
				"signature: a certificate in it cannot be read");
	}
	r = check_trust(trust, info, certificate, found, signatures, ret, err);
	if (r < 0 && r != -EKEYREJECTED)
		return r;
	if (r == 0 || verity_cms_work_take(&check->work)) {
		bad = verity_cms_signature_check(info, certificate, check->digests, &why);
		if (bad < 0) {
			if (err)
				*err = why;
			return bad;
		}
		return r;
	}
	*ret = (struct verity_signer){.signed_at = -1};
	return r;
}

/*
 * In the order of the signature, trusted signers before the others. Where none is
 * trusted, the reason of the first counts.
 */
static int check_signers(struct check *check, const struct verity_cms_trust *trust,
			 struct verity_signatures *ret, struct verity_error *err)
{
	struct verity_error first = {.code = VERITY_OK};
	size_t trusted = 0;

	for (size_t i = 0; i < check->parts.signer_count; i++) {
		struct verity_error why = {.code = VERITY_OK};
		struct verity_signer signer;
		int r = check_signer(check, i, trust, ret, &signer, &why);
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

/* All that needs no key: the structure, and what each signer says of the data. */
static int read_claims(struct check *check, const void *data, size_t data_bytes,
		       const struct verity_keyring *keyring, struct verity_error *err)
{
	int r = 0;

	/* Those of the ring come first: none in the CMS can take their place. */
	if (CMS_set1_signers_certs(check->cms, keyring ? keyring->certificates : NULL,
				   CMS_NOINTERN) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	/* Before OpenSSL meets an algorithm that is unknown or not allowed. */
	for (size_t i = 0; r == 0 && i < check->parts.signer_count; i++)
		r = verity_cms_algorithm_check(signer_at(check, i), err);
	if (r == 0)
		r = verity_cms_digest(check->cms, data, data_bytes, &check->digests, err);
	for (size_t i = 0; r == 0 && i < check->parts.signer_count; i++)
		r = verity_cms_claims_check(signer_at(check, i), check->digests, err);
	return r;
}

static int certify(struct check *check, const struct verity_keyring *keyring,
		   struct verity_error *err)
{
	/* Without a ring nothing is trusted, and it is no device that asks. */
	verity_cms_enclosed_begin(&check->enclosed, &check->parts);
	check->work.strange_left = keyring ? VERITY_CMS_STRANGE_MAX : VERITY_SIGNERS_MAX;
	for (size_t i = 0; i < check->parts.signer_count; i++) {
		int found =
			verity_cms_enclosed_find(&check->enclosed, &check->parts.ids[i]);

		if (found >= 0 && !known_certificate(signer_at(check, i)))
			check->enclosed.each[found].wanted = true;
	}
	return verity_cms_enclosed_certify(&check->enclosed, keyring, &check->work, err);
}

int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      enum verity_purpose purpose, struct verity_signatures *ret,
		      struct verity_error *err)
{
	cleanup_with(check_end) struct check check = {.cms = NULL};
	int r;

	*ret = (struct verity_signatures){.count = 0};
	/* An error that an earlier call left there is not this one's. */
	ERR_clear_error();
	r = verity_cms_decode(signature, signature_bytes, &check.parts, &check.cms, err);
	if (r == 0)
		r = read_claims(&check, data, data_bytes, keyring, err);
	if (r == 0)
		r = add_keys(&check, ret, err);
	if (r == 0)
		r = certify(&check, keyring, err);
	if (r == 0) {
		struct verity_cms_trust trust = {check.enclosed.certified, keyring,
						 purpose, &check.work};

		r = check_signers(&check, &trust, ret, err);
	}
	if (r < 0 && r != -EKEYREJECTED)
		*ret = (struct verity_signatures){.count = 0};
	ERR_clear_error();
	return r;
}
