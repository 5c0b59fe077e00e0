/* SPDX-License-Identifier: MIT */
#include "verity/cms/decode.h"

#include <limits.h>
#include <openssl/err.h>
#include <string.h>

#include "verity/cms/cms.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/versions.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);

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

static int count_certificates(CMS_ContentInfo *cms)
{
	STACK_OF(X509) *enclosed = CMS_get1_certs(cms);
	int count = enclosed ? sk_X509_num(enclosed) : 0;

	sk_X509_pop_free(enclosed, X509_free);
	return count;
}

static int check_counts(CMS_ContentInfo *cms, struct verity_error *err)
{
	int signers = sk_CMS_SignerInfo_num(CMS_get0_SignerInfos(cms));
	int certificates = count_certificates(cms);

	if (signers < 1)
		return bad(err, "it has no signer");
	if (signers > VERITY_SIGNERS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many signers: %d, over the limit of %d", signers,
			VERITY_SIGNERS_MAX);
	if (certificates > VERITY_KEY_IDS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many certificates: %d, over the limit of %d",
			certificates, VERITY_KEY_IDS_MAX);
	return 0;
}

int verity_cms_decode(const void *signature, size_t bytes, CMS_ContentInfo **ret,
		      struct verity_error *err)
{
	const unsigned char *next = signature;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	ASN1_OCTET_STRING **content;
	int r;

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
	r = check_counts(cms, err);
	if (r == 0)
		r = verity_cms_versions_check(signature, bytes, err);
	if (r == 0)
		*ret = steal_ptr(&cms);
	return r;
}
