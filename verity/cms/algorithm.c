/* SPDX-License-Identifier: MIT */
#include "verity/cms/algorithm.h"

#include <openssl/err.h>
#include <openssl/rsa.h>

#include "verity/util/cleanup.h"

DEFINE_CLEANUP(RSA_PSS_PARAMS, RSA_PSS_PARAMS_free);
DEFINE_CLEANUP(X509_ALGOR, X509_ALGOR_free);

static const struct digest {
	int nid;
	long bytes;
} digests[] = {
	{NID_sha256, 32},
	{NID_sha384, 48},
	{NID_sha512, 64},
};

/* NID_undef in @digest: it is said elsewhere, or not at all. */
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

static int bad(struct verity_error *err, const char *why)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE, "signature: %s", why);
}

static const struct digest *find_digest(int nid)
{
	for (size_t i = 0; i < sizeof(digests) / sizeof(digests[0]); i++)
		if (digests[i].nid == nid)
			return &digests[i];
	return NULL;
}

static const struct algorithm *find_algorithm(const X509_ALGOR *algorithm)
{
	int nid = OBJ_obj2nid(algorithm->algorithm);

	for (size_t i = 0; i < sizeof(algorithms) / sizeof(algorithms[0]); i++)
		if (algorithms[i].nid == nid)
			return &algorithms[i];
	return NULL;
}

/* As they are of every algorithm here but PSS: left out, or NULL. */
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

static X509_ALGOR *decode_algorithm(const ASN1_TYPE *type)
{
	return type && type->type == V_ASN1_SEQUENCE
		       ? ASN1_item_unpack(type->value.sequence,
					  ASN1_ITEM_rptr(X509_ALGOR))
		       : NULL;
}

static bool is_mgf1(const X509_ALGOR *algorithm, int digest)
{
	cleanup_with(X509_ALGOR_free_p) X509_ALGOR *inner = NULL;

	if (!algorithm || OBJ_obj2nid(algorithm->algorithm) != NID_mgf1)
		return false;
	inner = decode_algorithm(algorithm->parameter);
	return is_digest(inner, digest);
}

/* RFC 4055 §3.1: what is left out there means SHA-1, so all must be there. */
static int check_pss(const X509_ALGOR *algorithm, const struct digest *digest,
		     struct verity_error *err)
{
	const ASN1_TYPE *type = algorithm->parameter;
	cleanup_with(RSA_PSS_PARAMS_free_p) RSA_PSS_PARAMS *pss = NULL;
	long salt_bytes;

	if (type && type->type == V_ASN1_SEQUENCE)
		pss = ASN1_item_unpack(type->value.sequence,
				       ASN1_ITEM_rptr(RSA_PSS_PARAMS));
	ERR_clear_error();
	if (!pss)
		return bad(err, "its RSA-PSS parameters are malformed");
	if (!is_digest(pss->hashAlgorithm, digest->nid) ||
	    !is_mgf1(pss->maskGenAlgorithm, digest->nid))
		return bad(err, "a digest of RSA-PSS is not that of the signature");
	salt_bytes = pss->saltLength ? ASN1_INTEGER_get(pss->saltLength) : 20;
	if (salt_bytes < digest->bytes)
		return verity_fail(err, VERITY_E_BAD_SIGNATURE,
				   "signature: the salt of RSA-PSS has %ld bytes, under "
				   "the %ld of its digest",
				   salt_bytes, digest->bytes);
	if (pss->trailerField)
		return bad(err, "RSA-PSS has a trailer of its own");
	return 0;
}

static int fail_digest(int nid, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE,
			   "signature: digest %s is not one of SHA-256, SHA-384, SHA-512",
			   nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
}

static int fail_algorithm(int nid, struct verity_error *err)
{
	return verity_fail(err, VERITY_E_BAD_SIGNATURE,
			   "signature: algorithm %s is not one of RSA, RSA-PSS, ECDSA",
			   nid == NID_undef ? "unknown" : OBJ_nid2sn(nid));
}

int verity_cms_algorithm_check(CMS_SignerInfo *signer, struct verity_error *err)
{
	X509_ALGOR *digest_algorithm = NULL, *signature = NULL;
	const struct algorithm *algorithm;
	const struct digest *digest;
	int nid;

	CMS_SignerInfo_get0_algs(signer, NULL, NULL, &digest_algorithm, &signature);
	nid = OBJ_obj2nid(digest_algorithm->algorithm);
	digest = find_digest(nid);
	if (!digest)
		return fail_digest(nid, err);
	algorithm = find_algorithm(signature);
	if (!algorithm)
		return fail_algorithm(OBJ_obj2nid(signature->algorithm), err);
	if (algorithm->digest != NID_undef && algorithm->digest != nid)
		return bad(err, "its algorithm does not fit its digest");
	if (!has_no_parameters(digest_algorithm, true))
		return bad(err, "its digest has parameters");
	if (algorithm->nid == NID_rsassaPss)
		return check_pss(signature, digest, err);
	/* NULL for PKCS #1 (RFC 3370 §3.2), nothing for the others (RFC 5758). */
	if (!has_no_parameters(signature, algorithm->key == EVP_PKEY_RSA))
		return bad(err, "its algorithm has parameters");
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
	algorithm = find_algorithm(signature);
	/* A key for RSA of either kind may sign with PSS. */
	if (algorithm && (algorithm->key == key ||
			  (algorithm->nid == NID_rsassaPss && key == EVP_PKEY_RSA)))
		return 0;
	return bad(err, "its algorithm is not one of its signer's key");
}
