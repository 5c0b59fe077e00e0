/* SPDX-License-Identifier: MIT */

/* Timestamp queries and responses with OpenSSL. */

#include "verity/sign/stamp.h"

#include <openssl/err.h>
#include <openssl/ts.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/integrity.h"
#include "verity/cms/openssl.h"
#include "verity/cms/parts.h"
#include "verity/cms/timestamp.h"
#include "verity/util/sizes.h"

DEFINE_CLEANUP(TS_REQ, TS_REQ_free);
DEFINE_CLEANUP(TS_RESP, TS_RESP_free);
DEFINE_CLEANUP(TS_MSG_IMPRINT, TS_MSG_IMPRINT_free);
DEFINE_CLEANUP(X509_ALGOR, X509_ALGOR_free);

static int copy(unsigned char *der, int bytes, uint8_t **ret, size_t *ret_bytes,
		struct verity_error *err)
{
	*ret = bytes > 0 ? malloc((size_t)bytes) : NULL;
	if (*ret) {
		memcpy(*ret, der, (size_t)bytes);
		*ret_bytes = (size_t)bytes;
	}
	OPENSSL_free(der);
	return *ret ? 0 : verity_no_memory(err);
}

static bool set_imprint(TS_REQ *request, const struct verity_der *signature)
{
	cleanup_with(TS_MSG_IMPRINT_free_p) TS_MSG_IMPRINT *imprint =
		TS_MSG_IMPRINT_new();
	cleanup_with(X509_ALGOR_free_p) X509_ALGOR *algorithm = X509_ALGOR_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size;

	return imprint && algorithm &&
	       X509_ALGOR_set0(algorithm, OBJ_nid2obj(NID_sha256), V_ASN1_NULL, NULL) &&
	       EVP_Digest(signature->next, verity_der_size(signature), digest, &size,
			  EVP_sha256(), NULL) == 1 &&
	       TS_MSG_IMPRINT_set_algo(imprint, algorithm) == 1 &&
	       TS_MSG_IMPRINT_set_msg(imprint, digest, (int)size) == 1 &&
	       TS_REQ_set_msg_imprint(request, imprint) == 1;
}

int verity_timestamp_query(const void *signature, size_t bytes, uint8_t **ret,
			   size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(TS_REQ_free_p) TS_REQ *request = TS_REQ_new();
	struct verity_cms_parts parts;
	unsigned char *der = NULL;
	size_t index = 0;
	int r = verity_cms_parts_read(signature, bytes, &parts, err);

	if (r < 0)
		return r;
	while (index < parts.signer_count && parts.ids[index].token.next)
		index++;
	if (index == parts.signer_count)
		return verity_fail(err, VERITY_E_KEY,
				   "each signature in it has a timestamp already");
	if (!request || TS_REQ_set_version(request, 1) != 1 ||
	    TS_REQ_set_cert_req(request, 1) != 1 ||
	    !set_imprint(request, &parts.ids[index].signature))
		return verity_fail_openssl(err, VERITY_E_NO_MEMORY, "timestamp query");
	r = i2d_TS_REQ(request, &der);
	return copy(der, r, ret, ret_bytes, err);
}

/* The token of a response that grants one, as DER; OPENSSL_free(). */
static int read_response(const void *response, size_t response_bytes, unsigned char **ret,
			 int *ret_bytes, struct verity_error *err)
{
	const unsigned char *next = response;
	cleanup_with(TS_RESP_free_p) TS_RESP *decoded =
		d2i_TS_RESP(NULL, &next, (long)response_bytes);
	long status;

	if (!decoded || next != (const unsigned char *)response + response_bytes) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_KEY, "not a timestamp response (DER)");
	}
	status = ASN1_INTEGER_get(
		TS_STATUS_INFO_get0_status(TS_RESP_get_status_info(decoded)));
	if ((status != TS_STATUS_GRANTED && status != TS_STATUS_GRANTED_WITH_MODS) ||
	    !TS_RESP_get_token(decoded))
		return verity_fail(err, VERITY_E_KEY,
				   "the timestamp authority has refused: status %ld",
				   status);
	*ret_bytes = i2d_PKCS7(TS_RESP_get_token(decoded), ret);
	return *ret_bytes > 0 ? 0 : verity_fail_openssl(err, VERITY_E_KEY, "its token");
}

/* The signer without a timestamp that @token is over. */
static int find_signer(const struct verity_cms_parts *parts,
		       const struct verity_der *token, int *ret, struct verity_error *err)
{
	struct verity_signatures unused = {.count = 0};
	struct verity_error first = {.code = VERITY_OK}, why;
	struct verity_cms_stamp stamp;
	unsigned strange = 0;

	for (size_t i = 0; i < parts->signer_count; i++) {
		if (parts->ids[i].token.next)
			continue;
		if (verity_cms_timestamp_check(token, &parts->ids[i].signature, NULL,
					       &strange, &unused, &stamp, &why) == 0) {
			*ret = (int)i;
			return 0;
		}
		if (first.code == VERITY_OK)
			first = why;
	}
	if (first.code == VERITY_OK)
		return verity_fail(err, VERITY_E_KEY,
				   "each signature in it has a timestamp already");
	return verity_fail(err, VERITY_E_KEY, "%s", first.message);
}

int verity_timestamp_add(const void *signature, size_t bytes, const void *response,
			 size_t response_bytes, uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err)
{
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	const unsigned char *next = signature;
	unsigned char *token = NULL, *der = NULL;
	struct verity_cms_parts parts;
	struct verity_der whole;
	int size = 0, index = 0;
	int r = verity_cms_parts_read(signature, bytes, &parts, err);

	ERR_clear_error();
	if (r == 0)
		r = read_response(response, response_bytes, &token, &size, err);
	if (r < 0)
		return r;
	whole = (struct verity_der){token, token + size};
	r = find_signer(&parts, &whole, &index, err);
	if (r == 0)
		cms = d2i_CMS_ContentInfo(NULL, &next, (long)bytes);
	if (cms && !verity_cms_names_certificate(
			   sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), index)))
		r = verity_fail(err, VERITY_E_KEY,
				"the signature does not name its certificate, so that no "
				"timestamp counts for it (sign again, with "
				"signingCertificateV2: `-cades` of openssl cms)");
	if (r == 0 && cms &&
	    CMS_unsigned_add1_attr_by_NID(
		    sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), index),
		    NID_id_smime_aa_timeStampToken, V_ASN1_SEQUENCE, token, size) == 1)
		size = i2d_CMS_ContentInfo(cms, &der);
	else
		size = -1;
	OPENSSL_free(token);
	if (r < 0)
		return r;
	if (size < 0)
		return verity_fail_openssl(err, VERITY_E_KEY, "timestamp");
	if (size > VERITY_SIGNATURE_MAX) {
		OPENSSL_free(der);
		return verity_fail(err, VERITY_E_KEY,
				   "the signature has %d bytes with it, over the limit "
				   "of %d",
				   size, VERITY_SIGNATURE_MAX);
	}
	r = verity_cms_parts_read(der, (size_t)size, &parts, err);
	if (r < 0) {
		OPENSSL_free(der);
		return r;
	}
	return copy(der, size, ret, ret_bytes, err);
}
