/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "verity/cleanup.h"
#include "verity/cms.h"
#include "verity/cms_certid.h"
#include "verity/cms_versions.h"
#include "verity/keyring_private.h"

#define SIGNERS_MAX     8
#define CHAIN_DEPTH_MAX 8
#define AUTH_LEVEL      2 /* OpenSSL's: keys of 112 bits of strength, no SHA-1 */

DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);
DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(X509_STORE_CTX, X509_STORE_CTX_free);

static void certificates_free_p(STACK_OF(X509) * *certificates)
{
	sk_X509_pop_free(*certificates, X509_free);
}

static int bad(struct verity_error *err, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE, "signature: %s", why);
}

/* One signature has one encoding: what would be written is what was read. */
static bool is_der(CMS_ContentInfo *cms, const void *signature, size_t bytes)
{
	unsigned char *der = NULL;
	int size = i2d_CMS_ContentInfo(cms, &der);
	bool same =
		size > 0 && (size_t)size == bytes && memcmp(der, signature, bytes) == 0;

	OPENSSL_free(der);
	return same;
}

/* Exactly one detached SignedData over plain data, to the last byte. */
static int decode(const void *signature, size_t bytes, CMS_ContentInfo **ret,
		  struct verity_error *err)
{
	const unsigned char *next = signature;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	ASN1_OCTET_STRING **content;
	int signers;

	if (bytes > LONG_MAX)
		return bad(err, "too long");
	cms = d2i_CMS_ContentInfo(NULL, &next, (long)bytes);
	if (!cms)
		return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
					   "signature: not a CMS structure");
	if (next != (const unsigned char *)signature + bytes)
		return bad(err, "bytes follow the CMS structure");
	if (OBJ_obj2nid(CMS_get0_type(cms)) != NID_pkcs7_signed)
		return bad(err, "not CMS SignedData");
	content = CMS_get0_content(cms);
	if (!content || *content ||
	    OBJ_obj2nid(CMS_get0_eContentType(cms)) != NID_pkcs7_data)
		return bad(err, "not detached, or not over plain data");
	if (!is_der(cms, signature, bytes))
		return bad(err, "not in distinguished encoding (DER)");
	signers = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms));
	if (signers < 1 || signers > SIGNERS_MAX)
		return bad(err, "it has no signer, or too many");
	*ret = steal_ptr(&cms);
	return 0;
}

/* OpenSSL takes the algorithm from the key and never looks at what is written here. */
static bool is_algorithm_of(const X509_ALGOR *signature, int digest)
{
	int nid = OBJ_obj2nid(signature->algorithm);
	int its_digest, its_key;

	if (nid == NID_rsaEncryption || nid == NID_rsassaPss)
		return true;
	return OBJ_find_sigid_algs(nid, &its_digest, &its_key) == 1 &&
	       (its_digest == digest || its_digest == NID_undef);
}

static int check_algorithms(CMS_ContentInfo *cms, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		X509_ALGOR *digest = NULL, *signature = NULL;
		int nid;

		CMS_SignerInfo_get0_algs(sk_CMS_SignerInfo_value(signers, i), NULL, NULL,
					 &digest, &signature);
		nid = OBJ_obj2nid(digest->algorithm);
		if (nid != NID_sha256 && nid != NID_sha384 && nid != NID_sha512)
			return verity_fail(err, VERITY_E_BAD_SIGNATURE,
					   "signature: digest %s is not one of SHA-256, "
					   "SHA-384, SHA-512",
					   nid == NID_undef ? "unknown"
							    : OBJ_nid2sn(nid));
		if (!is_algorithm_of(signature, nid))
			return bad(err,
				   "its algorithm is unknown or does not fit its digest");
	}
	return 0;
}

/* Does it cover @data? Who signed is not asked yet. */
static int check_content(CMS_ContentInfo *cms, const void *data, size_t data_bytes,
			 const struct verity_keyring *keyring, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	STACK_OF(X509) *known = keyring ? verity_keyring_certificates(keyring) : NULL;

	if (data_bytes > INT_MAX)
		return bad(err, "the data is too long");
	content = BIO_new_mem_buf(data, (int)data_bytes);
	if (!content)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (CMS_verify(cms, known, NULL, content, NULL,
		       CMS_BINARY | CMS_NO_SIGNER_CERT_VERIFY) == 1)
		return 0;
	if (ERR_GET_REASON(ERR_peek_error()) == CMS_R_SIGNER_CERTIFICATE_NOT_FOUND) {
		ERR_clear_error();
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is neither in the signature nor "
			"in the key ring");
	}
	return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
				   "signature: it does not cover the manifest");
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

static int check_signer_ids(CMS_ContentInfo *cms, struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(cms);

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		CMS_SignerInfo *signer = sk_CMS_SignerInfo_value(signers, i);
		X509_NAME *issuer = NULL;
		X509 *certificate = NULL;
		int r;

		CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
		if (!certificate)
			continue;
		if (CMS_SignerInfo_get0_signer_id(signer, NULL, &issuer, NULL) == 1 &&
		    issuer && !same_name(issuer, X509_get_issuer_name(certificate)))
			return bad(err,
				   "the issuer it names is not that of its certificate");
		r = verity_cms_certid_check(signer, certificate, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* The signing time among the signed attributes; -1 where there is none. */
static int64_t signing_time(CMS_SignerInfo *signer)
{
	int place = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;
	struct tm tm;

	if (place < 0)
		return -1;
	attribute = CMS_signed_get_attr(signer, place);
	if (X509_ATTRIBUTE_count(attribute) != 1)
		return -1;
	value = X509_ATTRIBUTE_get0_type(attribute, 0);
	if ((value->type != V_ASN1_UTCTIME && value->type != V_ASN1_GENERALIZEDTIME) ||
	    ASN1_TIME_to_tm(value->value.asn1_string, &tm) != 1)
		return -1;
	return timegm(&tm);
}

static void describe(X509 *certificate, int64_t signed_at, struct verity_signer *ret)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0,
				      XN_FLAG_RFC2253) >= 0)
		n = BIO_read(bio, ret->subject, (int)sizeof(ret->subject) - 1);
	ret->subject[n > 0 ? n : 0] = '\0';
	ret->signed_at = signed_at;
	BIO_free_all(bio);
}

/* The leaf must be for signing code; what is above it must not be for something else. */
static int check_purpose(X509_STORE_CTX *context, struct verity_error *err)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);
		uint32_t flags = X509_get_extension_flags(certificate);
		uint32_t usage = X509_get_extended_key_usage(certificate);

		if (i > 0 && !(flags & EXFLAG_XKUSAGE))
			continue;
		if (!(flags & EXFLAG_XKUSAGE) || !(usage & XKU_CODE_SIGN))
			return verity_fail(
				err, VERITY_E_UNTRUSTED_SIGNER,
				"a certificate of the signer is not for signing "
				"packages (extended key usage codeSigning)");
	}
	if (!(X509_get_key_usage(sk_X509_value(chain, 0)) & KU_DIGITAL_SIGNATURE))
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is not for digital signatures");
	return 0;
}

static int check_chain(CMS_ContentInfo *cms, X509 *certificate, int64_t when,
		       const struct verity_keyring *keyring, struct verity_error *err)
{
	cleanup_with(certificates_free_p) STACK_OF(X509) *enclosed = CMS_get1_certs(cms);
	cleanup_with(X509_STORE_CTX_free_p) X509_STORE_CTX *context =
		X509_STORE_CTX_new();
	X509_VERIFY_PARAM *param;

	if (!context || X509_STORE_CTX_init(context, verity_keyring_store(keyring),
					    certificate, enclosed) != 1)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	param = X509_STORE_CTX_get0_param(context);
	X509_VERIFY_PARAM_set_time(param, (time_t)when);
	X509_VERIFY_PARAM_set_depth(param, CHAIN_DEPTH_MAX);
	X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
	/* Whatever is in the key ring is an anchor, an intermediate as well as a root. */
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
	if (X509_verify_cert(context) != 1) {
		int reason = X509_STORE_CTX_get_error(context);

		ERR_clear_error();
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer does not chain to a key of this device: %s",
			X509_verify_cert_error_string(reason));
	}
	return check_purpose(context, err);
}

static int check_signer(CMS_ContentInfo *cms, CMS_SignerInfo *signer,
			const struct verity_keyring *keyring, struct verity_signer *ret,
			struct verity_error *err)
{
	int64_t when = signing_time(signer);
	X509 *certificate = NULL;

	CMS_SignerInfo_get0_algs(signer, NULL, &certificate, NULL, NULL);
	if (!certificate)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the signer is not known");
	describe(certificate, when, ret);
	if (when < 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the signature does not say when it was made");
	if (!keyring || verity_keyring_count(keyring) == 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the key ring is empty");
	return check_chain(cms, certificate, when, keyring, err);
}

int verity_cms_verify(const void *data, size_t data_bytes, const void *signature,
		      size_t signature_bytes, const struct verity_keyring *keyring,
		      struct verity_signer *ret, struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	STACK_OF(CMS_SignerInfo) * signers;
	struct verity_signer signer = {"", -1};
	int r;

	ERR_clear_error();
	r = decode(signature, signature_bytes, &cms, err);
	if (r == 0)
		r = verity_cms_versions_check(signature, signature_bytes, err);
	if (r == 0)
		r = check_algorithms(cms, err);
	if (r == 0)
		r = check_content(cms, data, data_bytes, keyring, err);
	if (r == 0)
		r = check_signer_ids(cms, err);
	if (r < 0) {
		*ret = signer;
		return r;
	}
	signers = CMS_get0_SignerInfos(cms);
	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		r = check_signer(cms, sk_CMS_SignerInfo_value(signers, i), keyring,
				 &signer, err);
		if (r == 0)
			break;
	}
	*ret = signer;
	return r;
}
