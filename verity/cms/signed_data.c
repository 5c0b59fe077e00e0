/* SPDX-License-Identifier: MIT */

/* What a signature and the token of a timestamp have in common. */

#include "verity/cms/signed_data.h"

#include "verity/cms/algorithm.h"
#include "verity/cms/integrity.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

void verity_cms_signed_data_end(struct verity_cms_signed_data *data)
{
	verity_cms_enclosed_end(&data->enclosed);
	CMS_ContentInfo_free(data->cms);
	BIO_free_all(data->digests);
}

CMS_SignerInfo *verity_cms_signed_data_signer(const struct verity_cms_signed_data *data,
					      size_t index)
{
	return sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(data->cms), (int)index);
}

X509 *verity_cms_signed_data_known(const struct verity_cms_signed_data *data,
				   size_t index)
{
	X509 *certificate = NULL;

	CMS_SignerInfo_get0_algs(verity_cms_signed_data_signer(data, index), NULL,
				 &certificate, NULL, NULL);
	return certificate;
}

int verity_cms_signed_data_open(const void *signature, size_t signature_bytes,
				enum verity_cms_kind kind, const void *data,
				size_t data_bytes, const struct verity_keyring *keyring,
				struct verity_cms_signed_data *ret,
				struct verity_error *err)
{
	int r = verity_cms_decode(signature, signature_bytes, kind, &ret->parts,
				  &ret->cms, err);

	if (r < 0)
		return r;
	if (kind == VERITY_CMS_TIMESTAMP) {
		const ASN1_OCTET_STRING *content = *CMS_get0_content(ret->cms);

		data = ASN1_STRING_get0_data(content);
		data_bytes = (size_t)ASN1_STRING_length(content);
	}
	/* Those of the ring come first: none in the CMS can take their place. */
	if (CMS_set1_signers_certs(ret->cms, keyring ? keyring->certificates : NULL,
				   CMS_NOINTERN) < 0)
		return verity_no_memory(err);
	/* Before OpenSSL meets an algorithm that is unknown or not allowed. */
	for (size_t i = 0; r == 0 && i < ret->parts.signer_count; i++)
		r = verity_cms_algorithm_check(verity_cms_signed_data_signer(ret, i),
					       err);
	if (r == 0)
		r = verity_cms_digest(ret->cms, data, data_bytes, &ret->digests, err);
	for (size_t i = 0; r == 0 && i < ret->parts.signer_count; i++)
		r = verity_cms_claims_check(verity_cms_signed_data_signer(ret, i), kind,
					    ret->digests, err);
	return r;
}

int verity_cms_signed_data_certify(struct verity_cms_signed_data *data,
				   const struct verity_keyring *keyring, unsigned strange,
				   struct verity_error *err)
{
	verity_cms_enclosed_begin(&data->enclosed, &data->parts);
	data->work.strange_left = strange;
	for (size_t i = 0; i < data->parts.signer_count; i++) {
		int found =
			verity_cms_enclosed_find(&data->enclosed, &data->parts.ids[i]);

		if (found >= 0 && !verity_cms_signed_data_known(data, i))
			data->enclosed.each[found].wanted = true;
	}
	return verity_cms_enclosed_certify(&data->enclosed, keyring, &data->work, err);
}
