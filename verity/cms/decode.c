/* SPDX-License-Identifier: MIT */

/* Decoding the signature, and its one encoding: DER, with the right version numbers. */

#include "verity/cms/decode.h"

#include <limits.h>
#include <openssl/asn1.h>
#include <openssl/err.h>
#include <string.h>

#include "verity/cms/cms.h"
#include "verity/cms/openssl.h"

/* Bytes that are still to be read of one constructed value. */
struct cursor {
	const unsigned char *next;
	const unsigned char *end;
};

/* The tag and class of the next element, which @cursor moves past, and its content. */
static bool take_any(struct cursor *cursor, int *ret_class, int *ret_tag,
		     struct cursor *ret)
{
	const unsigned char *content = cursor->next;
	long length;
	int form;

	if (cursor->next >= cursor->end)
		return false;
	form = ASN1_get_object(&content, &length, ret_tag, ret_class,
			       cursor->end - cursor->next);
	/* 0x80: an error; 1: an indefinite length, which DER does not have */
	if (form & 0x81) {
		ERR_clear_error();
		return false;
	}
	cursor->next = content + length;
	*ret = (struct cursor){content, content + length};
	return true;
}

/* The same for an element of that tag; @ret may be @cursor, to go on inside it. */
static bool take(struct cursor *cursor, int class, int tag, struct cursor *ret)
{
	int found_class, found_tag;

	return take_any(cursor, &found_class, &found_tag, ret) && found_class == class &&
	       found_tag == tag;
}

/* The value of a one-byte INTEGER; -1 where it is something else. */
static int take_version(struct cursor *cursor)
{
	struct cursor value;

	if (!take(cursor, V_ASN1_UNIVERSAL, V_ASN1_INTEGER, &value) ||
	    value.end - value.next != 1)
		return -1;
	return value.next[0];
}

/* RFC 5652 §5.1 and §5.3: 1, or 3 where a signer is named by its key's id. */
static bool has_right_versions(struct cursor data)
{
	int version = take_version(&data), expected = 1, class, tag;
	struct cursor signers, signer, id;

	/* On to the last element: the signers. */
	do {
		if (!take_any(&data, &class, &tag, &signers))
			return false;
	} while (data.next < data.end);
	if (class != V_ASN1_UNIVERSAL || tag != V_ASN1_SET)
		return false;
	while (signers.next < signers.end) {
		int number;

		if (!take(&signers, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &signer))
			return false;
		number = take_version(&signer);
		if (!take_any(&signer, &class, &tag, &id))
			return false;
		if (class == V_ASN1_CONTEXT_SPECIFIC && tag == 0 && number == 3)
			expected = 3;
		else if (class != V_ASN1_UNIVERSAL || tag != V_ASN1_SEQUENCE ||
			 number != 1)
			return false;
	}
	return version == expected;
}

/*
 * No signature covers the version numbers and OpenSSL looks at none of them, so they
 * must be the ones that the rest of the structure makes them: then any flipped bit is
 * seen.
 */
static bool check_versions(const unsigned char *der, size_t bytes)
{
	struct cursor at = {der, der + bytes}, type;

	return take(&at, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &at) &&
	       take(&at, V_ASN1_UNIVERSAL, V_ASN1_OBJECT, &type) &&
	       take(&at, V_ASN1_CONTEXT_SPECIFIC, 0, &at) &&
	       take(&at, V_ASN1_UNIVERSAL, V_ASN1_SEQUENCE, &at) &&
	       has_right_versions(at);
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

int verity_cms_decode(const void *signature, size_t bytes, CMS_ContentInfo **ret,
		      struct verity_error *err)
{
	const unsigned char *next = signature;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_with(verity_certificates_free_p) STACK_OF(X509) *enclosed = NULL;
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
	if (signers < 1)
		return bad(err, "it has no signer");
	if (signers > VERITY_SIGNERS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many signers: %d, over the limit of %d", signers,
			VERITY_SIGNERS_MAX);
	enclosed = CMS_get1_certs(cms);
	if (sk_X509_num(enclosed) > VERITY_KEY_IDS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many certificates: %d, over the limit of %d",
			sk_X509_num(enclosed), VERITY_KEY_IDS_MAX);
	if (!check_versions(signature, bytes))
		return bad(err, "a version number in it is wrong");
	*ret = steal_ptr(&cms);
	return 0;
}
