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

#include "verity/cms/certificate.h"
#include "verity/cms/chain.h"
#include "verity/cms/integrity.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"
#include "verity/cms/signed_data.h"
#include "verity/cms/timestamp.h"

/* A denied key counts wherever it takes part, in a chain or not. */
static int add_keys(const struct verity_cms_signed_data *data,
		    struct verity_signatures *signatures, struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < data->parts.certificate_count; i++) {
		const struct verity_der *key = &data->parts.certificates[i].key;
		uint8_t id[VERITY_KEY_ID_BYTES];

		if (EVP_Digest(key->next, verity_der_size(key), id, NULL, EVP_sha256(),
			       NULL) != 1)
			return verity_no_memory(err);
		r = verity_cms_add_key_id(id, signatures, err);
	}
	for (size_t i = 0; r == 0 && i < data->parts.signer_count; i++) {
		X509 *certificate = verity_cms_signed_data_known(data, i);

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
	int64_t when;

	/* One attribute, one value: OpenSSL counts only those of known signers. */
	if (index < 0 ||
	    CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, index) >= 0)
		return -1;
	attribute = CMS_signed_get_attr(signer, index);
	if (X509_ATTRIBUTE_count(attribute) != 1)
		return -1;
	value = X509_ATTRIBUTE_get0_type(attribute, 0);
	if ((value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    !verity_asn1_time_get(value->value.asn1_string, &when))
		return -1;
	return when;
}

/*
 * The time that its timestamp confirms, before which nothing else of it is judged. It
 * counts for a signature that names its certificate only: it has no hash of the data.
 */
static int check_timestamp(struct verity_cms_signed_data *data, size_t index,
			   const struct verity_keyring *keyring,
			   struct verity_signatures *signatures,
			   struct verity_signer *ret, struct verity_error *err)
{
	const struct verity_cms_signer_id *id = &data->parts.ids[index];
	struct verity_cms_stamp stamp;
	int r;

	if (!id->token.next)
		return 0;
	r = verity_cms_timestamp_check(&id->token, &id->signature, keyring,
				       &data->work.strange_left, signatures, &stamp, err);
	if (r < 0)
		return r;
	if (!verity_cms_names_certificate(verity_cms_signed_data_signer(data, index)))
		return 0;
	ret->stamped_at = stamp.time;
	memcpy(ret->stamped_by, stamp.anchor, sizeof(ret->stamped_by));
	return 0;
}

/* Whether a signer is trusted; not yet, whether it has signed. */
static int check_trust(struct verity_cms_signed_data *data, size_t index,
		       const struct verity_cms_trust *trust, X509 *certificate,
		       const struct verity_cms_found *found,
		       struct verity_signatures *signatures, struct verity_signer *ret,
		       struct verity_error *err)
{
	CMS_SignerInfo *signer = verity_cms_signed_data_signer(data, index);
	const char *why = "the authority of its timestamp is not in this device's key "
			  "ring";
	int r = 0;

	ret->signed_at = signing_time(signer);
	verity_certificate_name(certificate, ret->subject, sizeof(ret->subject));
	(void)verity_certificate_key_id(certificate, ret->key_id);
	if (ret->signed_at < 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the signature does not say when it was made");
	if (!trust->keyring)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "there is no key ring to verify it with");
	if (verity_keyring_count(trust->keyring) == 0)
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the key ring is empty (check the key ring folder of the "
			"firmware)");
	if (!found || found->certified)
		r = check_timestamp(data, index, trust->keyring, signatures, ret, err);
	if (r == 0)
		r = verity_cms_chain_check(trust, certificate, found, ret, signatures,
					   err);
	if (r < 0 || !trust->keyring->require_timestamps || ret->stamped_at >= 0)
		return r;
	if (!data->parts.ids[index].token.next)
		why = "its signature has no timestamp";
	else if (!verity_cms_names_certificate(signer))
		why = "its signature has a timestamp, but does not name its certificate "
		      "(signingCertificateV2)";
	ret->anchor[0] = '\0';
	return verity_fail(err, VERITY_E_MISSING_TIMESTAMP, "%s", why);
}

/*
 * The signature of one that is trusted is always verified; that of another one, as long
 * as the budget lasts. Then it counts as one that nobody knows.
 *
 * Return: 0; -EKEYREJECTED not trusted; -EBADMSG, -ENOMEM.
 */
static int check_signer(struct verity_cms_signed_data *data, size_t index,
			const struct verity_cms_trust *trust,
			struct verity_signatures *signatures, struct verity_signer *ret,
			struct verity_error *err)
{
	CMS_SignerInfo *info = verity_cms_signed_data_signer(data, index);
	int place = verity_cms_enclosed_find(&data->enclosed, &data->parts.ids[index]);
	struct verity_cms_found *found = NULL;
	X509 *certificate = verity_cms_signed_data_known(data, index);
	struct verity_error why;
	int r, bad;

	*ret = (struct verity_signer){.signed_at = -1, .stamped_at = -1};
	if (!certificate && place < 0) {
		r = verity_cms_unknown_check(info, index, &data->enclosed, trust->keyring,
					     &data->work, err);
		return r < 0 ? r
			     : verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "the signer's certificate is neither in the "
					   "signature nor in the key ring");
	}
	if (!certificate) {
		found = &data->enclosed.each[place];
		if (!found->certified && data->work.strange_left == 0) {
			r = verity_cms_unchecked(info, err);
			return r < 0 ? r
				     : verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
						   VERITY_CMS_NOT_CHECKED,
						   VERITY_CMS_STRANGE_MAX);
		}
		certificate = verity_cms_enclosed_get(&data->enclosed, (size_t)place);
		if (!certificate)
			return verity_fail_openssl(
				err, VERITY_E_BAD_SIGNATURE,
				"signature: a certificate in it cannot be read");
	}
	r = check_trust(data, index, trust, certificate, found, signatures, ret, err);
	if (r < 0 && r != -EKEYREJECTED)
		return r;
	if (r == 0 || verity_cms_work_take(&data->work)) {
		bad = verity_cms_signature_check(info, certificate, NULL, data->digests,
						 &why);
		if (bad < 0) {
			if (err)
				*err = why;
			return bad;
		}
		return r;
	}
	*ret = (struct verity_signer){.signed_at = -1, .stamped_at = -1};
	bad = verity_cms_unchecked(info, &why);
	if (bad < 0 && err)
		*err = why;
	return bad < 0 ? bad : r;
}

/*
 * In the order of the signature, trusted signers before the others. Where none is
 * trusted, the reason of the first counts.
 */
static int check_signers(struct verity_cms_signed_data *data,
			 const struct verity_cms_trust *trust,
			 struct verity_signatures *ret, struct verity_error *err)
{
	struct verity_error first = {.code = VERITY_OK};
	size_t trusted = 0;

	for (size_t i = 0; i < data->parts.signer_count; i++) {
		struct verity_error why = {.code = VERITY_OK};
		struct verity_signer signer;
		int r = check_signer(data, i, trust, ret, &signer, &why);
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
	cleanup_with(
		verity_cms_signed_data_end) struct verity_cms_signed_data signed_data = {
		.cms = NULL};
	int r;

	*ret = (struct verity_signatures){.count = 0};
	/* An error that an earlier call left there is not this one's. */
	ERR_clear_error();
	r = verity_cms_signed_data_open(signature, signature_bytes, VERITY_CMS_DATA, data,
					data_bytes, keyring, &signed_data, err);
	if (r == 0)
		r = add_keys(&signed_data, ret, err);
	/* Without a ring nothing is trusted, and it is no device that asks. */
	if (r == 0)
		r = verity_cms_signed_data_certify(
			&signed_data, keyring,
			keyring ? VERITY_CMS_STRANGE_MAX : VERITY_SIGNERS_MAX, err);
	if (r == 0) {
		struct verity_cms_trust trust = {signed_data.enclosed.certified, keyring,
						 purpose, &signed_data.work};

		r = check_signers(&signed_data, &trust, ret, err);
	}
	if (r < 0 && r != -EKEYREJECTED)
		*ret = (struct verity_signatures){.count = 0};
	ERR_clear_error();
	return r;
}
