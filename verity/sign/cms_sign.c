/* SPDX-License-Identifier: MIT */

/* Signing with OpenSSL, as the first signer or beside earlier ones. */

#include "verity/sign/cms_sign.h"

/* Before cms.h, which declares PEM_read_bio_CMS() only then. */
#include <openssl/pem.h>

#include <errno.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/certificate.h"
#include "verity/cms/openssl.h"
#include "verity/cms/parts.h"
#include "verity/sign/signing_key_private.h"
#include "verity/util/sizes.h"

#define SIGN_FLAGS                                                                       \
	(CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP | CMS_CADES |          \
	 CMS_KEY_PARAM)

static int check_key(const EVP_PKEY *key, enum verity_rsa_padding padding,
		     struct verity_error *err)
{
	int type = EVP_PKEY_get_base_id(key);

	if (type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448)
		return verity_fail(
			err, VERITY_E_KEY,
			"an %s key cannot sign: this OpenSSL has no CMS for it "
			"(use ECDSA P-256 or P-384, or RSA)",
			type == EVP_PKEY_ED25519 ? "Ed25519" : "Ed448");
	if (verity_key_bits_min(key) == 0)
		return verity_fail(
			err, VERITY_E_KEY,
			"the type of the key is not RSA or ECDSA: it cannot sign");
	if (type == EVP_PKEY_RSA_PSS && padding == VERITY_RSA_PKCS1)
		return verity_fail(
			err, VERITY_E_KEY,
			"the key is for RSA-PSS only and cannot sign with PKCS #1 v1.5");
	return 0;
}

static bool set_padding(CMS_SignerInfo *signer, const EVP_PKEY *key,
			enum verity_rsa_padding padding)
{
	EVP_PKEY_CTX *context = CMS_SignerInfo_get0_pkey_ctx(signer);
	int type = EVP_PKEY_get_base_id(key);

	if (type != EVP_PKEY_RSA && type != EVP_PKEY_RSA_PSS)
		return true;
	if (type == EVP_PKEY_RSA && padding == VERITY_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) > 0;
	return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) > 0 &&
	       EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) > 0;
}

/* One signer, its attributes, and what it encloses. */
static int make(const void *data, size_t data_bytes, const struct verity_signing_key *key,
		int64_t when, CMS_ContentInfo **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_with(ASN1_TIME_free_p) ASN1_TIME *time = NULL;
	CMS_SignerInfo *signer = NULL;
	int r;

	ERR_clear_error();
	if (data_bytes > INT_MAX)
		return verity_fail(err, VERITY_E_KEY, "too much to sign");
	r = check_key(key->key, key->padding, err);
	if (r < 0)
		return r;
	content = BIO_new_mem_buf(data, (int)data_bytes);
	time = ASN1_TIME_new();
	if (content && time && verity_asn1_time_set(time, when))
		cms = CMS_sign(NULL, NULL, key->chain, content, SIGN_FLAGS);
	if (cms)
		signer = CMS_add1_signer(cms, key->certificate, key->key,
					 verity_signing_key_digest(key), SIGN_FLAGS);
	if (!signer || !set_padding(signer, key->key, key->padding) ||
	    CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime, time->type, time,
					-1) != 1 ||
	    CMS_final(cms, content, NULL, SIGN_FLAGS) != 1)
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	*ret = steal_ptr(&cms);
	return 0;
}

static int encode(CMS_ContentInfo *cms, uint8_t **ret, size_t *ret_bytes,
		  struct verity_error *err)
{
	int size = i2d_CMS_ContentInfo(cms, NULL), r;
	cleanup_free unsigned char *der = NULL;
	struct verity_cms_parts parts;
	struct verity_error why;
	unsigned char *next;

	if (size < 0)
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	if (size > VERITY_SIGNATURE_MAX)
		return verity_fail(
			err, VERITY_E_KEY,
			"the signature has %d bytes, over the limit of %d (enclose "
			"fewer certificates)",
			size, VERITY_SIGNATURE_MAX);
	next = der = malloc((size_t)size);
	if (!der)
		return verity_no_memory(err);
	i2d_CMS_ContentInfo(cms, &next);
	/* What every device would refuse is not written: too large a key, or exponent. */
	r = verity_cms_parts_read(der, (size_t)size, &parts, &why);
	if (r < 0)
		return verity_fail(err, VERITY_E_KEY, "devices would refuse the %s",
				   why.message);
	*ret_bytes = (size_t)size;
	*ret = steal_ptr(&der);
	return 0;
}

int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	int r = make(data, data_bytes, key, when, &cms, err);

	return r < 0 ? r : encode(cms, ret, ret_bytes, err);
}

/* OpenSSL refuses a certificate that is enclosed already. */
static bool enclose(CMS_ContentInfo *cms, X509 *certificate)
{
	cleanup_with(verity_certificates_free_p) STACK_OF(X509) *enclosed =
		CMS_get1_certs(cms);

	for (int i = 0; i < sk_X509_num(enclosed); i++)
		if (X509_cmp(sk_X509_value(enclosed, i), certificate) == 0)
			return true;
	return CMS_add1_cert(cms, certificate) == 1;
}

/*
 * CMS_final() would sign again for every earlier signer, whose keys are not here. So the
 * signature is made on its own in @own, and changes places with one that OpenSSL only
 * prepared; both structures must be freed after what is made of them.
 */
static bool take_signer(CMS_ContentInfo *cms, CMS_ContentInfo *own,
			const struct verity_signing_key *key)
{
	STACK_OF(CMS_SignerInfo) * theirs, *ours = CMS_get0_SignerInfos(own);
	CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(ours, 0);
	CMS_SignerInfo *prepared;

	for (int i = 0; i < sk_X509_num(key->chain); i++)
		if (!enclose(cms, sk_X509_value(key->chain, i)))
			return false;
	if (!enclose(cms, key->certificate))
		return false;
	prepared = CMS_add1_signer(cms, key->certificate, key->key,
				   verity_signing_key_digest(key),
				   CMS_PARTIAL | CMS_NOCERTS | CMS_NOATTR);
	if (!prepared)
		return false;
	theirs = CMS_get0_SignerInfos(cms);
	(void)sk_CMS_SignerInfo_set(ours, 0, prepared);
	(void)sk_CMS_SignerInfo_set(theirs, sk_CMS_SignerInfo_num(theirs) - 1, signer);
	return true;
}

static int check_present(CMS_ContentInfo *cms, const struct verity_signing_key *key,
			 struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++)
		if (CMS_SignerInfo_cert_cmp(sk_CMS_SignerInfo_value(signers, i),
					    key->certificate) == 0)
			return verity_fail(err, VERITY_E_KEY,
					   "this certificate has signed it already");
	if (sk_CMS_SignerInfo_num(signers) >= VERITY_SIGNERS_MAX)
		return verity_fail(err, VERITY_E_KEY,
				   "it has %d signatures already, which is the limit",
				   VERITY_SIGNERS_MAX);
	return 0;
}

int verity_cms_add(const void *data, size_t data_bytes, const void *present,
		   size_t present_bytes, const struct verity_signing_key *key,
		   int64_t when, uint8_t **ret, size_t *ret_bytes,
		   struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *own = NULL;
	const unsigned char *next = present;
	struct verity_signatures signatures;
	int r = verity_cms_verify(data, data_bytes, present, present_bytes, NULL,
				  VERITY_PURPOSE_PACKAGE, &signatures, err);

	if (r < 0 && r != -EKEYREJECTED)
		return r;
	cms = d2i_CMS_ContentInfo(NULL, &next, (long)present_bytes);
	if (!cms)
		return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
					   "signature: not a CMS structure");
	r = check_present(cms, key, err);
	if (r == 0)
		r = make(data, data_bytes, key, when, &own, err);
	if (r < 0)
		return r;
	if (!take_signer(cms, own, key))
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	return encode(cms, ret, ret_bytes, err);
}

/* @ret: set on success only */
static bool read_cms(const void *bytes, size_t size, CMS_ContentInfo **ret)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	const unsigned char *next = bytes, *end = next + size;

	if (size > INT_MAX)
		return false;
	if (memmem(bytes, size, VERITY_PEM_START, strlen(VERITY_PEM_START))) {
		bio = BIO_new_mem_buf(bytes, (int)size);
		cms = bio ? PEM_read_bio_CMS(bio, NULL, NULL, NULL) : NULL;
	} else {
		cms = d2i_CMS_ContentInfo(NULL, &next, (long)size);
		if (next != end)
			return false;
	}
	if (cms)
		*ret = steal_ptr(&cms);
	return *ret;
}

int verity_cms_der(const void *ber, size_t ber_bytes, uint8_t **ret, size_t *ret_bytes,
		   struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	unsigned char *der = NULL;
	int size = -1;

	ERR_clear_error();
	if (read_cms(ber, ber_bytes, &cms))
		size = i2d_CMS_ContentInfo(cms, NULL);
	if (size <= 0)
		return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
					   "signature: not a CMS structure");
	*ret = malloc((size_t)size);
	if (!*ret)
		return verity_no_memory(err);
	der = *ret;
	*ret_bytes = (size_t)i2d_CMS_ContentInfo(cms, &der);
	return 0;
}
