/* SPDX-License-Identifier: MIT */

/* The digest of the content, each signature over it, and which certificate made it. */

#include "verity/cms/integrity.h"

#include <limits.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <string.h>

#include "verity/cms/algorithm.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"

DEFINE_CLEANUP(ESS_SIGNING_CERT_V2, ESS_SIGNING_CERT_V2_free);

static int bad(struct verity_error *err, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE, "signature: %s", why);
}

static int no_match(struct verity_error *err)
{
	return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
				   "signature: it does not match the signed data");
}

/* A chain of BIOs that has computed every digest which the CMS announces. */
static int digest_content(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			  BIO **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(BIO_free_all_p) BIO *chain = NULL;
	char buffer[4096];
	size_t taken = 0;
	int n;

	if (data_bytes > INT_MAX)
		return bad(err, "the data is too long");
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
 * 1 where @signer names @certificate; 0 where it names none; -1 where it names another,
 * or the attribute is malformed.
 */
static int compare_certificate(const CMS_SignerInfo *signer, X509 *certificate)
{
	int index = CMS_signed_get_attr_by_NID(signer,
					       NID_id_smime_aa_signingCertificateV2, -1);
	cleanup_with(verity_certificates_borrowed_free_p) STACK_OF(X509) *chain =
		sk_X509_new_null();
	cleanup_with(ESS_SIGNING_CERT_V2_free_p) ESS_SIGNING_CERT_V2 *named = NULL;
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;

	if (index < 0)
		return 0;
	attribute = CMS_signed_get_attr(signer, index);
	value = X509_ATTRIBUTE_count(attribute) == 1
			? X509_ATTRIBUTE_get0_type(attribute, 0)
			: NULL;
	if (value && value->type == V_ASN1_SEQUENCE) {
		const unsigned char *der = ASN1_STRING_get0_data(value->value.sequence);

		named = d2i_ESS_SIGNING_CERT_V2(
			NULL, &der, ASN1_STRING_length(value->value.sequence));
	}
	if (named && chain && sk_X509_push(chain, certificate) > 0 &&
	    OSSL_ESS_check_signing_certs(NULL, named, chain, 1) == 1)
		return 1;
	ERR_clear_error();
	return -1;
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

static int check_known(CMS_SignerInfo *signer, X509 *certificate,
		       struct verity_error *err)
{
	X509_NAME *issuer = NULL;
	int r = verity_cms_algorithm_check_key(signer, certificate, err);

	if (r < 0)
		return r;
	/* Without signed attributes the content's digest was signed, and is checked. */
	if (has_attributes(signer) && CMS_SignerInfo_verify(signer) != 1)
		return no_match(err);
	if (CMS_SignerInfo_get0_signer_id(signer, NULL, &issuer, NULL) == 1 && issuer &&
	    !same_name(issuer, X509_get_issuer_name(certificate)))
		return bad(err, "the issuer it names is not that of its certificate");
	if (compare_certificate(signer, certificate) < 0)
		return bad(err,
			   "it was made with another certificate than the one in it");
	return 0;
}

/*
 * No certificate has the name that the signature gives. That must not be because the
 * name, or the certificate, was changed on the way, and the signer's certificate is here
 * after all.
 */
static int check_unknown(CMS_SignerInfo *signer, STACK_OF(X509) * enclosed,
			 STACK_OF(X509) * known, struct verity_error *err)
{
	bool named = true;

	for (int i = 0; named && i < sk_X509_num(enclosed); i++) {
		CMS_SignerInfo_set1_signer_cert(signer, sk_X509_value(enclosed, i));
		named = CMS_SignerInfo_verify(signer) != 1;
		CMS_SignerInfo_set1_signer_cert(signer, NULL);
		ERR_clear_error();
	}
	/* One of the ring may be a later one of the same key, unless it says which. */
	for (int i = 0; named && i < sk_X509_num(known); i++)
		named = compare_certificate(signer, sk_X509_value(known, i)) != 1;
	return named ? 0 : bad(err, "it does not name the certificate it was made with");
}

static int check_signer(CMS_SignerInfo *signer, BIO *digests, STACK_OF(X509) * enclosed,
			STACK_OF(X509) * known, struct verity_error *err)
{
	X509 *certificate = NULL;
	const ASN1_OBJECT *type;

	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
	/* Without them the digest is nowhere but in the signature. */
	if (!certificate && !has_attributes(signer))
		return bad(err, "of an unknown signer, without signed attributes");
	if (CMS_SignerInfo_verify_content(signer, digests) != 1)
		return no_match(err);
	/* RFC 5652 §11.1, which OpenSSL does not check: signed as data, nothing else. */
	type = CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_contentType), -3,
					   V_ASN1_OBJECT);
	if (has_attributes(signer) && (!type || OBJ_obj2nid(type) != NID_pkcs7_data))
		return bad(err, "it was made over another type of content");
	return certificate ? check_known(signer, certificate, err)
			   : check_unknown(signer, enclosed, known, err);
}

int verity_cms_integrity_check(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			       STACK_OF(X509) * enclosed,
			       const struct verity_keyring *keyring,
			       struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *known = keyring ? keyring->certificates : NULL;
	cleanup_with(BIO_free_all_p) BIO *digests = NULL;
	int r = 0;

	/* Those of the ring come first: none in the CMS can take their place. */
	if (CMS_set1_signers_certs(cms, known, 0) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	/* Before OpenSSL meets an algorithm that is unknown or not allowed. */
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++)
		r = verity_cms_algorithm_check(sk_CMS_SignerInfo_value(signers, i), err);
	if (r == 0)
		r = digest_content(cms, data, data_bytes, &digests, err);
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++)
		r = check_signer(sk_CMS_SignerInfo_value(signers, i), digests, enclosed,
				 known, err);
	return r;
}
