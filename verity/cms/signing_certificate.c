/* SPDX-License-Identifier: MIT */
#include "verity/cms/signing_certificate.h"

#include <openssl/err.h>
#include <openssl/ess.h>

#include "verity/util/cleanup.h"

DEFINE_CLEANUP(ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2_free);

static void certificates_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_free(*certificates);
}

/* NULL where the attribute is not one well-formed value. */
static ESS_SIGNING_CERT_V2 *decode(X509_ATTRIBUTE *attribute)
{
	const unsigned char *next;
	ASN1_STRING *text;
	ASN1_TYPE *value;

	if (X509_ATTRIBUTE_count(attribute) != 1)
		return NULL;
	value = X509_ATTRIBUTE_get0_type(attribute, 0);
	if (value->type != V_ASN1_SEQUENCE)
		return NULL;
	text = value->value.sequence;
	next = ASN1_STRING_get0_data(text);
	return d2i_ESS_SIGNING_CERT_V2(NULL, &next, ASN1_STRING_length(text));
}

/* 1 where @signer names @certificate; 0 where it names none; -1 where it names another.
 */
static int compare(const CMS_SignerInfo *signer, X509 *certificate)
{
	int place = CMS_signed_get_attr_by_NID(signer,
					       NID_id_smime_aa_signingCertificateV2, -1);
	cleanup_with(ESS_SIGNING_CERT_V2_free_p) ESS_SIGNING_CERT_V2 *named = NULL;
	cleanup_with(certificates_free_p) STACK_OF(X509) *chain = NULL;

	if (place < 0)
		return 0;
	named = decode(CMS_signed_get_attr(signer, place));
	chain = sk_X509_new_null();
	if (named && chain && sk_X509_push(chain, certificate) > 0 &&
	    OSSL_ESS_check_signing_certs(NULL, named, chain, 1) == 1)
		return 1;
	ERR_clear_error();
	return -1;
}

bool verity_cms_certid_names(const CMS_SignerInfo *signer, X509 *certificate)
{
	return compare(signer, certificate) == 1;
}

int verity_cms_certid_check(const CMS_SignerInfo *signer, X509 *certificate,
			    struct verity_error *err)
{
	if (compare(signer, certificate) >= 0)
		return 0;
	return verity_fail(
		err, VERITY_E_BAD_SIGNATURE,
		"signature: it was made with another certificate than the one in it");
}
