/* SPDX-License-Identifier: MIT */
#include "verity/cms/signer.h"

#include <openssl/err.h>
#include <string.h>
#include <time.h>

#include "verity/cms/keyring_private.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(BIO, BIO_free_all);

/* The signing time among the signed attributes; -1 where there is none. */
static int64_t signing_time(CMS_SignerInfo *signer)
{
	int place = CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, -1);
	X509_ATTRIBUTE *attribute;
	ASN1_TYPE *value;
	struct tm tm;

	/* One attribute, one value; OpenSSL counts those of known signers alone. */
	if (place < 0 ||
	    CMS_signed_get_attr_by_NID(signer, NID_pkcs9_signingTime, place) >= 0)
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

bool verity_cms_key_id(X509 *certificate, uint8_t ret[static VERITY_KEY_ID_BYTES])
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool known = size > 0 &&
		     EVP_Digest(der, (size_t)size, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return known;
}

int verity_cms_add_key(X509 *certificate, struct verity_signatures *signatures,
		       struct verity_error *err)
{
	uint8_t id[VERITY_KEY_ID_BYTES];

	if (!verity_cms_key_id(certificate, id))
		return verity_fail_openssl(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: a certificate has no readable key");
	for (size_t i = 0; i < signatures->key_id_count; i++)
		if (memcmp(signatures->key_ids[i], id, sizeof(id)) == 0)
			return 0;
	if (signatures->key_id_count == VERITY_KEY_IDS_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIGNATURE,
			"signature: too many certificates take part in it, over the limit of %d",
			VERITY_KEY_IDS_MAX);
	memcpy(signatures->key_ids[signatures->key_id_count++], id, sizeof(id));
	return 0;
}

/* How many bytes at @text stand for one: `\,` and `\C3` are not torn. */
static size_t step(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";

	if (text[0] != '\\' || !text[1])
		return 1;
	return strchr(hex, text[1]) && text[2] && strchr(hex, text[2]) ? 3 : 2;
}

static void cut(const char *text, char *ret, size_t size)
{
	static const char mark[] = "...";
	size_t length = strlen(text), used = 0;

	if (length < size) {
		memcpy(ret, text, length + 1);
		return;
	}
	while (used + step(text + used) + sizeof(mark) <= size)
		used += step(text + used);
	memcpy(ret, text, used);
	memcpy(ret + used, mark, sizeof(mark));
}

void verity_cms_print_name(const X509_NAME *name, char *ret, size_t size)
{
	cleanup_with(BIO_free_all_p) BIO *bio = BIO_new(BIO_s_mem());
	char *text;

	ret[0] = '\0';
	if (!bio || X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) < 0 ||
	    BIO_write(bio, "", 1) != 1) {
		ERR_clear_error();
		return;
	}
	BIO_get_mem_data(bio, &text);
	cut(text, ret, size);
}

void verity_cms_signer_describe(CMS_SignerInfo *signer, X509 *certificate,
				struct verity_signer *ret)
{
	*ret = (struct verity_signer){.signed_at = -1};
	if (!certificate)
		return;
	ret->signed_at = signing_time(signer);
	verity_cms_print_name(X509_get_subject_name(certificate), ret->subject,
			      sizeof(ret->subject));
	(void)verity_cms_key_id(certificate, ret->key_id);
}
