/* SPDX-License-Identifier: MIT */

/* Checking the token of a timestamp as any other signature, at the time that it confirms.
 */

#include "verity/cms/timestamp.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ts.h>
#include <stdio.h>

#include "verity/cms/chain.h"
#include "verity/cms/integrity.h"
#include "verity/cms/keyring_private.h"
#include "verity/cms/openssl.h"
#include "verity/cms/signed_data.h"

DEFINE_CLEANUP(TS_TST_INFO, TS_TST_INFO_free);

static int bad(struct verity_error *err, const char *why)
{
	ERR_clear_error();
	return verity_fail(err, VERITY_E_BAD_SIGNATURE, "timestamp: %s", why);
}

/* Whether the token is over these bytes. */
static bool is_over(TS_TST_INFO *info, const struct verity_der *signature)
{
	TS_MSG_IMPRINT *imprint = TS_TST_INFO_get_msg_imprint(info);
	X509_ALGOR *algorithm = TS_MSG_IMPRINT_get_algo(imprint);
	const ASN1_OCTET_STRING *found = TS_MSG_IMPRINT_get_msg(imprint);
	int digest = OBJ_obj2nid(algorithm->algorithm);
	unsigned char expected[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (digest != NID_sha256 && digest != NID_sha384 && digest != NID_sha512)
		return false;
	return EVP_Digest(signature->next, verity_der_size(signature), expected, &size,
			  EVP_get_digestbynid(digest), NULL) == 1 &&
	       ASN1_STRING_length(found) == (int)size &&
	       memcmp(ASN1_STRING_get0_data(found), expected, size) == 0;
}

/* TSTInfo (RFC 3161 §2.4.2): what it is over, and the time. */
static int read_info(const struct verity_cms_signed_data *data,
		     const struct verity_der *signature, int64_t *ret,
		     struct verity_error *err)
{
	const ASN1_OCTET_STRING *content = *CMS_get0_content(data->cms);
	const unsigned char *start = ASN1_STRING_get0_data(content), *next = start;
	cleanup_with(TS_TST_INFO_free_p) TS_TST_INFO *info =
		d2i_TS_TST_INFO(NULL, &next, ASN1_STRING_length(content));
	int64_t when;

	if (!info || next != start + ASN1_STRING_length(content) ||
	    TS_TST_INFO_get_version(info) != 1 ||
	    !verity_asn1_time_get(TS_TST_INFO_get_time(info), &when))
		return bad(err, "its content is malformed");
	if (TS_TST_INFO_get_ext_by_critical(info, 1, -1) >= 0)
		return bad(err, "it has a critical extension that is unknown");
	if (!is_over(info, signature))
		return bad(err, "it is not over this signature");
	*ret = when;
	return 0;
}

/* Sets @ret where the authority is of the ring; its signature is verified then. */
static int check_authority(struct verity_cms_signed_data *data,
			   const struct verity_keyring *keyring, int64_t when,
			   struct verity_signatures *signatures,
			   struct verity_cms_stamp *ret, struct verity_error *err)
{
	struct verity_signer authority = {.signed_at = when, .stamped_at = -1};
	struct verity_cms_trust trust = {data->enclosed.certified, keyring,
					 VERITY_PURPOSE_TIMESTAMP, &data->work};
	X509 *certificate = verity_cms_signed_data_known(data, 0);
	struct verity_cms_found *found = NULL;
	int place = verity_cms_enclosed_find(&data->enclosed, &data->parts.ids[0]);
	int r;

	if (!certificate) {
		if (place < 0 || !data->enclosed.each[place].certified)
			return 0;
		found = &data->enclosed.each[place];
		certificate = found->x509;
	}
	r = verity_cms_chain_check(&trust, certificate, found, &authority, signatures,
				   err);
	if (r == 0)
		r = verity_cms_signature_check(verity_cms_signed_data_signer(data, 0),
					       certificate, data->enclosed.certified,
					       data->digests, err);
	if (r < 0)
		return verity_context(err, r, "timestamp");
	ret->time = when;
	snprintf(ret->anchor, sizeof(ret->anchor), "%s", authority.anchor);
	return 0;
}

int verity_cms_timestamp_check(const struct verity_der *token,
			       const struct verity_der *signature,
			       const struct verity_keyring *keyring, unsigned *strange,
			       struct verity_signatures *signatures,
			       struct verity_cms_stamp *ret, struct verity_error *err)
{
	cleanup_with(verity_cms_signed_data_end) struct verity_cms_signed_data data = {
		.cms = NULL};
	const struct verity_keyring *ring = keyring ? keyring->timestamps : NULL;
	int64_t when = -1;
	int r;

	*ret = (struct verity_cms_stamp){.time = -1};
	r = verity_cms_signed_data_open(token->next, verity_der_size(token),
					VERITY_CMS_TIMESTAMP, NULL, 0, ring, &data, err);
	if (r < 0)
		return verity_context(err, r, "timestamp");
	if (data.parts.signer_count != 1)
		return bad(err, "it has more than one signer");
	r = read_info(&data, signature, &when, err);
	if (r < 0)
		return r;
	r = verity_cms_signed_data_certify(&data, ring, *strange, err);
	if (r < 0)
		return verity_context(err, r, "timestamp");
	*strange = data.work.strange_left;
	return check_authority(&data, ring, when, signatures, ret, err);
}
