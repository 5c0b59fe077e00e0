/* SPDX-License-Identifier: MIT */

/* Digest, algorithm and parameters of a signer, compared with what is allowed. */

#include "verity/cms/algorithm.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "verity/cms/openssl.h"
#include "verity/cms/parts.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free);
DEFINE_CLEANUP(X509_ALGOR, X509_ALGOR_free);

/* Nothing is damaged where the signer chose what devices do not take. */
#define AGAIN " (ask the vendor to sign it again in a way that devices accept)"

/* NID_undef as @digest: another field names it. */
static const struct algorithm {
	int nid;
	int key;
	int digest;
} algorithms[] = {
	{NID_rsaEncryption, EVP_PKEY_RSA, NID_undef},
	{NID_sha256WithRSAEncryption, EVP_PKEY_RSA, NID_sha256},
	{NID_sha384WithRSAEncryption, EVP_PKEY_RSA, NID_sha384},
	{NID_sha512WithRSAEncryption, EVP_PKEY_RSA, NID_sha512},
	{NID_rsassaPss, EVP_PKEY_RSA_PSS, NID_undef},
	{NID_ecdsa_with_SHA256, EVP_PKEY_EC, NID_sha256},
	{NID_ecdsa_with_SHA384, EVP_PKEY_EC, NID_sha384},
	{NID_ecdsa_with_SHA512, EVP_PKEY_EC, NID_sha512},
};

static const struct algorithm *find_algorithm(int nid)
{
	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].nid == nid)
			return &algorithms[i];
	return NULL;
}

/* Every algorithm here but PSS has no parameters: they are absent, or NULL. */
static bool has_no_parameters(const X509_ALGOR *algorithm, bool may_be_null)
{
	int type = algorithm->parameter ? algorithm->parameter->type : V_ASN1_UNDEF;

	return type == V_ASN1_UNDEF || (may_be_null && type == V_ASN1_NULL);
}

static bool is_digest(const X509_ALGOR *algorithm, int nid)
{
	return algorithm && OBJ_obj2nid(algorithm->algorithm) == nid &&
	       has_no_parameters(algorithm, true);
}

/* NULL where the parameters are not one well-formed value of the type @item. */
static void *decode_parameters(const X509_ALGOR *algorithm, const ASN1_ITEM *item)
{
	const ASN1_TYPE *type = algorithm->parameter;
	void *decoded = NULL;

	if (type && type->type == V_ASN1_SEQUENCE)
		decoded = ASN1_item_unpack(type->value.sequence, item);
	ERR_clear_error();
	return decoded;
}

/* RFC 4055 §3.1: a parameter that is absent means SHA-1, so all must be there. */
static int check_pss(const X509_ALGOR *algorithm, int digest, long digest_bytes,
		     struct verity_error *err)
{
	cleanup_with(RSA_PSS_PARAMS_free_p) RSA_PSS_PARAMS *pss =
		decode_parameters(algorithm, ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	cleanup_with(X509_ALGOR_free_p) X509_ALGOR *mgf1_digest = NULL;
	long salt_bytes;

	if (!pss)
		return verity_cms_bad(err, "its RSA-PSS parameters are malformed");
	if (pss->maskGenAlgorithm &&
	    OBJ_obj2nid(pss->maskGenAlgorithm->algorithm) == NID_mgf1)
		mgf1_digest = decode_parameters(pss->maskGenAlgorithm,
						ASN1_ITEM_rptr(X509_ALGOR));
	if (!is_digest(pss->hashAlgorithm, digest) || !is_digest(mgf1_digest, digest))
		return verity_cms_bad(err,
				      "a digest of RSA-PSS is not that of the signature");
	salt_bytes = pss->saltLength ? ASN1_INTEGER_get(pss->saltLength) : 20;
	if (salt_bytes > VERITY_CMS_PSS_SALT_MAX)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: the salt of RSA-PSS has %ld bytes, over "
				   "the limit of %d" AGAIN,
				   salt_bytes, VERITY_CMS_PSS_SALT_MAX);
	if (salt_bytes < digest_bytes)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: the salt of RSA-PSS has %ld bytes, under "
				   "the %ld of its digest" AGAIN,
				   salt_bytes, digest_bytes);
	if (pss->trailerField)
		return verity_cms_bad(err,
				      "the trailer field of RSA-PSS is not the default");
	return 0;
}

int verity_cms_algorithm_check(CMS_SignerInfo *signer, struct verity_error *err)
{
	X509_ALGOR *digest_algorithm = NULL, *signature = NULL;
	const struct algorithm *algorithm;
	int digest, nid;

	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest_algorithm, &signature);
	digest = OBJ_obj2nid(digest_algorithm->algorithm);
	if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: digest %s is not one of SHA-256, SHA-384, SHA-512" AGAIN,
			digest == NID_undef ? "unknown" : OBJ_nid2sn(digest));
	nid = OBJ_obj2nid(signature->algorithm);
	algorithm = find_algorithm(nid);
	if (!algorithm)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: algorithm %s is not one of RSA, RSA-PSS, ECDSA" AGAIN,
			nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
	if (algorithm->digest != NID_undef && algorithm->digest != digest)
		return verity_cms_bad(err, "its algorithm does not match its digest");
	if (!has_no_parameters(digest_algorithm, true))
		return verity_cms_bad(err, "its digest has parameters");
	if (nid == NID_rsassaPss)
		return check_pss(signature, digest,
				 EVP_MD_get_size(EVP_get_digestbynid(digest)), err);
	/* NULL for PKCS #1 (RFC 3370 §3.2), absent for the others (RFC 5758). */
	if (!has_no_parameters(signature, algorithm->key == EVP_PKEY_RSA))
		return verity_cms_bad(err, "its algorithm has parameters");
	return 0;
}

int verity_cms_algorithm_check_key(CMS_SignerInfo *signer, X509 *certificate,
				   struct verity_error *err)
{
	EVP_PKEY *public = X509_get0_pubkey(certificate);
	int key = public ? EVP_PKEY_get_base_id(public) : NID_undef;
	X509_ALGOR *signature = NULL;
	const struct algorithm *algorithm;

	CMS_SignerInfo_get0_algs(signer, NULL, NULL, NULL, &signature);
	algorithm = find_algorithm(OBJ_obj2nid(signature->algorithm));
	/* A key for RSA of either kind may sign with PSS. */
	if (algorithm && (algorithm->key == key ||
			  (algorithm->nid == NID_rsassaPss && key == EVP_PKEY_RSA)))
		return 0;
	return verity_cms_bad(err, "its algorithm does not match its signer's key");
}
