/* SPDX-License-Identifier: MIT */

/* Decoding the signature, and its one encoding: DER. */

#include "verity/cms/decode.h"

#include <openssl/asn1.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/openssl.h"

static void put(unsigned char **at, const struct verity_der *element)
{
	memcpy(*at, element->next, verity_der_size(element));
	*at += verity_der_size(element);
}

/*
 * The same SignedData without certificates. OpenSSL would decode the key of each of them,
 * which takes longer than to verify an honest signature. No signature covers them.
 */
static unsigned char *join(const struct verity_cms_parts *parts, int *ret_bytes)
{
	static const unsigned char signed_data[] = {0x06, 0x09, 0x2a, 0x86, 0x48, 0x86,
						    0xf7, 0x0d, 0x01, 0x07, 0x02};
	int body = (int)(verity_der_size(&parts->version) +
			 verity_der_size(&parts->digests) +
			 verity_der_size(&parts->content) +
			 verity_der_size(&parts->signers));
	int data = ASN1_object_size(1, body, V_ASN1_SEQUENCE);
	int all = (int)sizeof(signed_data) + ASN1_object_size(1, data, 0);
	unsigned char *der = malloc((size_t)ASN1_object_size(1, all, V_ASN1_SEQUENCE));
	unsigned char *at = der;

	if (!der)
		return NULL;
	ASN1_put_object(&at, 1, all, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	memcpy(at, signed_data, sizeof(signed_data));
	at += sizeof(signed_data);
	ASN1_put_object(&at, 1, data, 0, V_ASN1_CONTEXT_SPECIFIC);
	ASN1_put_object(&at, 1, body, V_ASN1_SEQUENCE, V_ASN1_UNIVERSAL);
	put(&at, &parts->version);
	put(&at, &parts->digests);
	put(&at, &parts->content);
	put(&at, &parts->signers);
	*ret_bytes = (int)(at - der);
	return der;
}

int verity_cms_decode(const void *signature, size_t bytes, enum verity_cms_kind kind,
		      struct verity_cms_parts *ret_parts, CMS_ContentInfo **ret,
		      struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_free unsigned char *der = NULL;
	unsigned char *again = NULL;
	const unsigned char *next;
	ASN1_OCTET_STRING **content;
	int type, size, r = verity_cms_parts_read(signature, bytes, ret_parts, err);
	bool same;

	if (r < 0)
		return r;
	next = der = join(ret_parts, &size);
	if (!der)
		return verity_no_memory(err);
	cms = d2i_CMS_ContentInfo(NULL, &next, size);
	if (!cms || next != der + size)
		return verity_fail_openssl(err, VERITY_E_BAD_SIGNATURE,
					   "signature: not a CMS structure");
	content = CMS_get0_content(cms);
	type = OBJ_obj2nid(CMS_get0_eContentType(cms));
	if (kind == VERITY_CMS_DATA && (!content || *content || type != NID_pkcs7_data))
		return verity_cms_bad(err, "not detached, or not over plain data");
	if (kind == VERITY_CMS_TIMESTAMP &&
	    (!content || !*content || type != NID_id_smime_ct_TSTInfo))
		return verity_cms_bad(err, "not a timestamp");
	/* One signature has one encoding: what would be written is what was read. */
	same = i2d_CMS_ContentInfo(cms, &again) == size &&
	       memcmp(again, der, (size_t)size) == 0;
	OPENSSL_free(again);
	if (!same)
		return verity_cms_bad(err, "not in distinguished encoding (DER)");
	*ret = steal_ptr(&cms);
	return 0;
}
