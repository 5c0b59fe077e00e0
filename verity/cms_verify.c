/* SPDX-License-Identifier: MIT */
#include <errno.h>
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
#include "verity/devkeys.h"
#include "verity/keyring_private.h"

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
	if (signers < 1 || signers > VERITY_SIGNERS_MAX)
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

/*
 * Library and reason: reasons are numbered by each library for itself, and RSA's bad
 * padding, a damaged signature, has the number of CMS's missing certificate.
 */
static bool is_signer_unknown(unsigned long error)
{
	return ERR_GET_LIB(error) == ERR_LIB_CMS &&
	       ERR_GET_REASON(error) == CMS_R_SIGNER_CERTIFICATE_NOT_FOUND;
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
	if (is_signer_unknown(ERR_peek_error())) {
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

static bool key_id_of(X509 *certificate, uint8_t ret[static VERITY_KEY_ID_BYTES])
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool known = size > 0 &&
		     EVP_Digest(der, (size_t)size, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return known;
}

static int add_key_id(X509 *certificate, struct verity_signatures *signatures,
		      struct verity_error *err)
{
	uint8_t id[VERITY_KEY_ID_BYTES];

	if (!key_id_of(certificate, id))
		return verity_fail_openssl(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: a certificate has no readable key");
	for (size_t i = 0; i < signatures->key_id_count; i++)
		if (memcmp(signatures->key_ids[i], id, sizeof(id)) == 0)
			return 0;
	if (signatures->key_id_count == VERITY_KEY_IDS_MAX)
		return bad(err, "too many certificates take part in it");
	memcpy(signatures->key_ids[signatures->key_id_count++], id, sizeof(id));
	return 0;
}

/* A key that is denied counts wherever it takes part, in a chain or not. */
static int add_enclosed_key_ids(CMS_ContentInfo *cms,
				struct verity_signatures *signatures,
				struct verity_error *err)
{
	cleanup_with(certificates_free_p) STACK_OF(X509) *enclosed = CMS_get1_certs(cms);
	int r = 0;

	for (int i = 0; r == 0 && i < sk_X509_num(enclosed); i++)
		r = add_key_id(sk_X509_value(enclosed, i), signatures, err);
	return r;
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
	(void)key_id_of(certificate, ret->key_id);
	BIO_free_all(bio);
}

/* X509_get_extended_key_usage() knows only what OpenSSL knows. */
static bool has_usage(X509 *certificate, enum verity_purpose purpose)
{
	static const char *const oids[] = {
		[VERITY_PURPOSE_PACKAGE] = "1.3.6.1.5.5.7.3.3", /* codeSigning */
		[VERITY_PURPOSE_UNLOCK] = VERITY_OID_UNLOCK,
	};
	EXTENDED_KEY_USAGE *usage =
		X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	char oid[80];
	bool found = false;

	for (int i = 0; !found && i < sk_ASN1_OBJECT_num(usage); i++)
		found = OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1) >
				0 &&
			strcmp(oid, oids[purpose]) == 0;
	EXTENDED_KEY_USAGE_free(usage);
	return found;
}

/* The leaf must be for this; what is above it must not be for something else. */
static int check_purpose(X509_STORE_CTX *context, enum verity_purpose purpose,
			 struct verity_error *err)
{
	static const char *const names[] = {
		[VERITY_PURPOSE_PACKAGE] =
			"signing packages (extended key usage codeSigning)",
		[VERITY_PURPOSE_UNLOCK] =
			"signing unlock statements (extended key usage " VERITY_OID_UNLOCK
			")",
	};
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_chain(context);

	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);

		if (i > 0 && !(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE))
			continue;
		if (!has_usage(certificate, purpose))
			return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "a certificate of the signer is not for %s",
					   names[purpose]);
	}
	if (!(X509_get_key_usage(sk_X509_value(chain, 0)) & KU_DIGITAL_SIGNATURE))
		return verity_fail(
			err, VERITY_E_UNTRUSTED_SIGNER,
			"the signer's certificate is not for digital signatures");
	return 0;
}

static bool is_weak(int reason)
{
	return reason == X509_V_ERR_EE_KEY_TOO_SMALL ||
	       reason == X509_V_ERR_CA_KEY_TOO_SMALL ||
	       reason == X509_V_ERR_CA_MD_TOO_WEAK;
}

/* One verification: what does not change from one signer to the next. */
struct check {
	CMS_ContentInfo *cms;
	const struct verity_keyring *keyring;
	enum verity_purpose purpose;
};

static int check_chain(const struct check *check, X509 *certificate, int64_t when,
		       struct verity_signatures *signatures, struct verity_signer *ret,
		       struct verity_error *err)
{
	cleanup_with(certificates_free_p) STACK_OF(X509) *enclosed =
		CMS_get1_certs(check->cms);
	cleanup_with(X509_STORE_CTX_free_p) X509_STORE_CTX *context =
		X509_STORE_CTX_new();
	STACK_OF(X509) * chain;
	X509_VERIFY_PARAM *param;
	const char *anchor;
	int r;

	if (!context || X509_STORE_CTX_init(context, verity_keyring_store(check->keyring),
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
			err,
			is_weak(reason) ? VERITY_E_WEAK_KEY : VERITY_E_UNTRUSTED_SIGNER,
			"the signer does not chain to a key of this device: %s",
			X509_verify_cert_error_string(reason));
	}
	chain = X509_STORE_CTX_get0_chain(context);
	r = check_purpose(context, check->purpose, err);
	for (int i = 0; r == 0 && i < sk_X509_num(chain); i++)
		r = add_key_id(sk_X509_value(chain, i), signatures, err);
	anchor = verity_keyring_file(check->keyring,
				     sk_X509_value(chain, sk_X509_num(chain) - 1));
	if (r == 0)
		snprintf(ret->anchor, sizeof(ret->anchor), "%s", anchor ? anchor : "?");
	return r;
}

static int check_signer(const struct check *check, CMS_SignerInfo *signer,
			struct verity_signatures *signatures, struct verity_signer *ret,
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
	if (!check->keyring || verity_keyring_count(check->keyring) == 0)
		return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
				   "the key ring is empty");
	return check_chain(check, certificate, when, signatures, ret, err);
}

/* Those that chain first; where none does, the reason of the first counts. */
static int check_signers(const struct check *check, struct verity_signatures *ret,
			 struct verity_error *err)
{
	STACK_OF(CMS_SignerInfo) *signers = CMS_get0_SignerInfos(check->cms);
	struct verity_error first = {.code = VERITY_OK};
	size_t trusted = 0;

	for (int i = 0; i < sk_CMS_SignerInfo_num(signers); i++) {
		struct verity_signer signer = {.signed_at = -1};
		struct verity_error why = {.code = VERITY_OK};
		int r = check_signer(check, sk_CMS_SignerInfo_value(signers, i), ret,
				     &signer, &why);

		if (r == -ENOMEM || r == -EBADMSG) {
			*ret = (struct verity_signatures){.count = 0};
			if (err)
				*err = why;
			return r;
		}
		if (r < 0 && first.code == VERITY_OK)
			first = why;
		ret->signers[ret->count++] = signer;
		if (r < 0)
			continue;
		ret->signers[ret->count - 1] = ret->signers[trusted];
		ret->signers[trusted++] = signer;
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
	struct check check = {.keyring = keyring, .purpose = purpose};
	int r;

	*ret = (struct verity_signatures){.count = 0};
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
	if (r == 0)
		r = add_enclosed_key_ids(cms, ret, err);
	if (r < 0)
		return r;
	check.cms = cms;
	return check_signers(&check, ret, err);
}
