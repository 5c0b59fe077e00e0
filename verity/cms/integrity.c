/* SPDX-License-Identifier: MIT */

/* The digest of the content, a signature over it, and which certificate made it. */

#include "verity/cms/integrity.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <string.h>

#include "verity/cms/algorithm.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

DEFINE_CLEANUP(ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2_free);

static int no_match(struct verity_error *err)
{
	return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
				   "signature: it does not match the signed data");
}

int verity_cms_digest(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
		      BIO **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(BIO_free_all_p) BIO *chain = NULL;
	char buffer[4096];
	size_t taken = 0;
	int n;

	if (data_bytes > INT_MAX)
		return verity_cms_bad(err, "the data is too long");
	content = BIO_new_mem_buf(data, (int)data_bytes);
	chain = content ? CMS_dataInit(cms, content) : NULL;
	if (!chain)
		return no_match(err);
	(void)steal_ptr(&content); /* now the end of the chain */
	while ((n = BIO_read(chain, buffer, sizeof(buffer))) > 0)
		taken += (size_t)n;
	if (taken != data_bytes)
		return no_match(err);
	*ret = steal_ptr(&chain);
	return 0;
}

/*
 * The signer's certificate among the signed attributes (RFC 5035, signingCertificateV2):
 * wmopkg-build names its certificate there by digest, so that a certificate that was
 * changed makes the signature bad, and not just its signer unknown.
 *
 * @ret: its value; NULL where it is malformed
 *
 * Return: false where there is none.
 */
static bool find_signing_certificate(const CMS_SignerInfo *signer,
				     const ASN1_STRING **ret)
{
	int index = CMS_signed_get_attr_by_NID(signer,
					       NID_id_smime_aa_signingCertificateV2, -1);
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;

	*ret = NULL;
	if (index < 0)
		return false;
	attribute = CMS_signed_get_attr(signer, index);
	value = X509_ATTRIBUTE_count(attribute) == 1
			? X509_ATTRIBUTE_get0_type(attribute, 0)
			: NULL;
	if (value && value->type == V_ASN1_SEQUENCE)
		*ret = value->value.sequence;
	return true;
}

bool verity_cms_names_certificate(const CMS_SignerInfo *signer)
{
	const ASN1_STRING *value;

	return find_signing_certificate(signer, &value) && value;
}

/* Whether @signer names no certificate, or this one first, and then only of @others. */
static bool may_be_certificate(const CMS_SignerInfo *signer, X509 *certificate,
			       STACK_OF(X509) * others)
{
	cleanup_with(verity_certificates_borrowed_free_p) STACK_OF(X509) *chain =
		sk_X509_new_null();
	cleanup_with(ESS_SIGNING_CERT_V2_free_p) ESS_SIGNING_CERT_V2 *named = NULL;
	const ASN1_STRING *value;
	const unsigned char *der;
	bool good;

	if (!find_signing_certificate(signer, &value))
		return true;
	if (value) {
		der = ASN1_STRING_get0_data(value);
		named = d2i_ESS_SIGNING_CERT_V2(NULL, &der, ASN1_STRING_length(value));
	}
	good = named && chain && sk_X509_push(chain, certificate) > 0;
	for (int i = 0; good && i < sk_X509_num(others); i++)
		good = sk_X509_push(chain, sk_X509_value(others, i)) > 0;
	good = good && OSSL_ESS_check_signing_certs(NULL, named, chain, 1) == 1;
	/* Else the queue says whether it was for memory. */
	if (good)
		ERR_clear_error();
	return good;
}

/* OpenSSL finds a certificate by its issuer without regard to case; here it matters. */
static bool same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der, *b_der;
	size_t a_size, b_size;

	return X509_NAME_get0_der(a, &a_der, &a_size) == 1 &&
	       X509_NAME_get0_der(b, &b_der, &b_size) == 1 && a_size == b_size &&
	       memcmp(a_der, b_der, a_size) == 0;
}

static bool has_attributes(const CMS_SignerInfo *signer)
{
	return CMS_signed_get_attr_count(signer) >= 0;
}

int verity_cms_claims_check(CMS_SignerInfo *signer, enum verity_cms_kind kind,
			    BIO *digests, struct verity_error *err)
{
	int expected =
		kind == VERITY_CMS_TIMESTAMP ? NID_id_smime_ct_TSTInfo : NID_pkcs7_data;
	const ASN1_OBJECT *type;

	if (!has_attributes(signer))
		return 0;
	if (CMS_SignerInfo_verify_content(signer, digests) != 1)
		return no_match(err);
	/* RFC 5652 §11.1, which OpenSSL does not check: signed as this, nothing else. */
	type = CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_contentType), -3,
					   V_ASN1_OBJECT);
	if (!type || OBJ_obj2nid(type) != expected)
		return verity_cms_bad(err, "it was made over another type of content");
	return 0;
}

int verity_cms_signature_check(CMS_SignerInfo *signer, X509 *certificate,
			       STACK_OF(X509) * others, BIO *digests,
			       struct verity_error *err)
{
	X509_NAME *issuer = NULL;
	int r = verity_cms_algorithm_check_key(signer, certificate, err);

	if (r < 0)
		return r;
	CMS_SignerInfo_set1_signer_cert(signer, certificate);
	/* Without signed attributes the signature is over the digest of the content. */
	if ((has_attributes(signer)
		     ? CMS_SignerInfo_verify(signer)
		     : CMS_SignerInfo_verify_content(signer, digests)) != 1)
		return no_match(err);
	if (CMS_SignerInfo_get0_signer_id(signer, NULL, &issuer, NULL) == 1 && issuer &&
	    !same_name(issuer, X509_get_issuer_name(certificate)))
		return verity_cms_bad(
			err, "the issuer it names is not that of its certificate");
	if (!may_be_certificate(signer, certificate, others))
		return verity_cms_bad(
			err, "it was made with another certificate than the one in it");
	return 0;
}

/* Whether the signed attributes have the SHA-256 of a certificate. */
static bool names(const ASN1_STRING *value, const uint8_t digest[static 32])
{
	return memmem(ASN1_STRING_get0_data(value), (size_t)ASN1_STRING_length(value),
		      digest, 32);
}

static bool names_any(const CMS_SignerInfo *signer, struct verity_cms_enclosed *enclosed,
		      const struct verity_keyring *keyring)
{
	STACK_OF(X509) *known = keyring ? keyring->certificates : NULL;
	uint8_t digest[EVP_MAX_MD_SIZE];
	const ASN1_STRING *value;

	if (!find_signing_certificate(signer, &value) || !value)
		return false;
	for (size_t i = 0; i < enclosed->parts->certificate_count; i++)
		if (names(value, verity_cms_enclosed_digest(enclosed, i)))
			return true;
	/* One of the ring may be a later one of the same key, unless it says which. */
	for (int i = 0; i < sk_X509_num(known); i++)
		if (X509_digest(sk_X509_value(known, i), EVP_sha256(), digest, NULL) ==
			    1 &&
		    names(value, digest))
			return true;
	return false;
}

/*
 * The one certificate that an unknown signer most likely is of: one that has a half of
 * the name that it gives, else the first that no signer names. -1: there is none.
 */
static int guess(const struct verity_cms_enclosed *enclosed, size_t index)
{
	const struct verity_cms_parts *parts = enclosed->parts;
	const struct verity_cms_signer_id *id = &parts->ids[index];
	bool named[VERITY_KEY_IDS_MAX] = {false};
	int first = -1;

	for (size_t i = 0; i < parts->signer_count; i++) {
		int found = verity_cms_enclosed_find(enclosed, &parts->ids[i]);

		if (found >= 0)
			named[found] = true;
	}
	for (size_t i = 0; i < parts->certificate_count; i++) {
		const struct verity_cms_certificate *c = &parts->certificates[i];

		if (named[i])
			continue;
		if (verity_der_same(&c->serial, &id->serial))
			return (int)i;
		if (first < 0 || verity_der_same(&c->issuer, &id->issuer))
			first = (int)i;
	}
	return first;
}

int verity_cms_unchecked(const CMS_SignerInfo *signer, struct verity_error *err)
{
	return has_attributes(signer)
		       ? 0
		       : verity_cms_bad(
				 err, "of an unknown signer, without signed attributes");
}

int verity_cms_unknown_check(CMS_SignerInfo *signer, size_t index,
			     struct verity_cms_enclosed *enclosed,
			     const struct verity_keyring *keyring,
			     struct verity_cms_work *work, struct verity_error *err)
{
	bool named = names_any(signer, enclosed, keyring);
	int candidate, r;

	r = verity_cms_unchecked(signer, err);
	if (r < 0)
		return r;
	candidate = named ? -1 : guess(enclosed, index);
	if (candidate >= 0 && verity_cms_work_take(work)) {
		X509 *certificate = verity_cms_enclosed_get(enclosed, (size_t)candidate);

		if (!certificate)
			return verity_fail_openssl(
				err, VERITY_E_BAD_SIGNATURE,
				"signature: a certificate in it cannot be read");
		CMS_SignerInfo_set1_signer_cert(signer, certificate);
		named = CMS_SignerInfo_verify(signer) == 1;
		CMS_SignerInfo_set1_signer_cert(signer, NULL);
		ERR_clear_error();
	}
	return named ? verity_cms_bad(err,
				      "it does not name the certificate it was made with")
		     : 0;
}
