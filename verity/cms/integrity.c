/* SPDX-License-Identifier: MIT */
#include "verity/cms/integrity.h"

#include <limits.h>
#include <openssl/err.h>
#include <string.h>

#include "verity/cms/algorithm.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/signing_certificate.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(BIO, BIO_free_all);

static void certificates_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_pop_free(*certificates, X509_free);
}

static int bad(struct verity_error *err, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE, "signature: %s", why);
}

static int not_covered(struct verity_error *err)
{
	return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
				   "signature: it does not cover the manifest");
}

/* A chain of BIOs that has taken every digest which the CMS announces over the data. */
static int digest_content(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			  BIO **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	BIO *chain;
	char buffer[4096];
	size_t taken = 0;
	int n;

	if (data_bytes > INT_MAX)
		return bad(err, "the data is too long");
	content = BIO_new_mem_buf(data, (int)data_bytes);
	chain = content ? CMS_dataInit(cms, content) : NULL;
	if (!chain)
		return not_covered(err);
	(void)steal_ptr(&content);
	while ((n = BIO_read(chain, buffer, sizeof(buffer))) > 0)
		taken += (size_t)n;
	if (taken != data_bytes) {
		BIO_free_all(chain);
		return not_covered(err);
	}
	*ret = chain;
	return 0;
}

/* OpenSSL finds a signer's certificate without regard to case; we want it to the letter.
 */
static bool same_name(const X509_NAME *a, const X509_NAME *b)
{
	const unsigned char *a_der, *b_der;
	size_t a_size, b_size;

	return X509_NAME_get0_der(a, &a_der, &a_size) == 1 &&
	       X509_NAME_get0_der(b, &b_der, &b_size) == 1 && a_size == b_size &&
	       memcmp(a_der, b_der, a_size) == 0;
}

static int check_id(CMS_SignerInfo *signer, X509 *certificate, struct verity_error *err)
{
	X509_NAME *issuer = NULL;

	if (CMS_SignerInfo_get0_signer_id(signer, NULL, &issuer, NULL) == 1 && issuer &&
	    !same_name(issuer, X509_get_issuer_name(certificate)))
		return bad(err, "the issuer it names is not that of its certificate");
	return verity_cms_certid_check(signer, certificate, err);
}

static bool has_attributes(const CMS_SignerInfo *signer)
{
	return CMS_signed_get_attr_count(signer) >= 0;
}

/* Where there are no signed attributes the content's digest was signed itself. */
static int check_known(CMS_SignerInfo *signer, X509 *certificate,
		       struct verity_error *err)
{
	int r = verity_cms_algorithm_check_key(signer, certificate, err);

	if (r < 0)
		return r;
	if (has_attributes(signer) && CMS_SignerInfo_verify(signer) != 1)
		return not_covered(err);
	return check_id(signer, certificate, err);
}

static bool is_signed_with(CMS_SignerInfo *signer, X509 *certificate)
{
	bool it_is;

	CMS_SignerInfo_set1_signer_cert(signer, certificate);
	it_is = CMS_SignerInfo_verify(signer) == 1;
	CMS_SignerInfo_set1_signer_cert(signer, NULL);
	ERR_clear_error();
	return it_is;
}

/*
 * Nobody's signature, by the name it gives: but not because that name, or the name in
 * its certificate, was changed on the way, and the one who signed is here after all.
 */
static int check_unknown(CMS_SignerInfo *signer, STACK_OF(X509) * enclosed,
			 STACK_OF(X509) * known, struct verity_error *err)
{
	static const char why[] = "it does not name the certificate it was made with";

	for (int i = 0; i < sk_X509_num(enclosed); i++)
		if (is_signed_with(signer, sk_X509_value(enclosed, i)))
			return bad(err, why);
	/* One of the ring may be a later one of the same key, unless it says which. */
	for (int i = 0; i < sk_X509_num(known); i++)
		if (verity_cms_certid_names(signer, sk_X509_value(known, i)))
			return bad(err, why);
	return 0;
}

/* RFC 5652 §11.1, which OpenSSL leaves to us: signed as data, not as something else. */
static bool is_signed_as_data(CMS_SignerInfo *signer)
{
	const ASN1_OBJECT *type;

	if (!has_attributes(signer))
		return true;
	type = CMS_signed_get0_data_by_OBJ(signer, OBJ_nid2obj(NID_pkcs9_contentType), -3,
					   V_ASN1_OBJECT);
	return type && OBJ_obj2nid(type) == NID_pkcs7_data;
}

static int check_signer(CMS_SignerInfo *signer, BIO *digests, STACK_OF(X509) * enclosed,
			STACK_OF(X509) * known, struct verity_error *err)
{
	X509 *certificate = NULL;

	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
	/* Without them the digest is nowhere but in the signature. */
	if (!certificate && !has_attributes(signer))
		return bad(err, "of an unknown signer, without signed attributes");
	if (CMS_SignerInfo_verify_content(signer, digests) != 1)
		return not_covered(err);
	if (!is_signed_as_data(signer))
		return bad(err, "it was made over another type of content");
	return certificate ? check_known(signer, certificate, err)
			   : check_unknown(signer, enclosed, known, err);
}

int verity_cms_sound_check(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			   const struct verity_keyring *keyring, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);
	STACK_OF(X509) *known = keyring ? verity_keyring_certificates(keyring) : NULL;
	cleanup_with(certificates_free_p) STACK_OF(X509) *enclosed = CMS_get1_certs(cms);
	cleanup_with(BIO_free_all_p) BIO *digests = NULL;
	int r = 0;

	/* Those of the ring come first: none in the CMS can take their place. */
	if (CMS_set1_signers_certs(cms, known, 0) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	/* What is unknown or forbidden has a name of its own, before OpenSSL meets it. */
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++)
		r = verity_cms_algorithm_check(sk_CMS_SignerInfo_value(signers, i), err);
	if (r == 0)
		r = digest_content(cms, data, data_bytes, &digests, err);
	for (int i = 0; r == 0 && i < sk_CMS_SignerInfo_num(signers); i++)
		r = check_signer(sk_CMS_SignerInfo_value(signers, i), digests, enclosed,
				 known, err);
	return r;
}
