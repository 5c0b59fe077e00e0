/* SPDX-License-Identifier: MIT */

/* Reading one certificate. */

#include "verity/cms/certificate.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "verity/cms/openssl.h"
#include "verity/util/text.h"

#define RSA_BITS_MIN 2048
#define EC_BITS_MIN  224

static const struct {
	const char *oid;
	const char *name;
} purposes[] = {
	[VERITY_PURPOSE_PACKAGE] = {"1.3.6.1.5.5.7.3.3",
				    "signing packages (extended key usage codeSigning)"},
	[VERITY_PURPOSE_TIMESTAMP] = {"1.3.6.1.5.5.7.3.8",
				      "timestamps (extended key usage timeStamping)"},
	[VERITY_PURPOSE_UNLOCK] =
		{VERITY_OID_UNLOCK,
		 "signing unlock statements (extended key usage " VERITY_OID_UNLOCK ")"},
};

/* 0-terminated; NULL where that fails. */
static BIO *print_name(const X509 *certificate, unsigned long flags)
{
	cleanup_with(BIO_free_all_p) BIO *bio = BIO_new(BIO_s_mem());

	if (!bio ||
	    X509_NAME_print_ex(bio, X509_get_subject_name(certificate), 0, flags) < 0 ||
	    BIO_write(bio, "", 1) != 1) {
		ERR_clear_error();
		return NULL;
	}
	return steal_ptr(&bio);
}

void verity_certificate_name(const X509 *certificate, char *ret, size_t size)
{
	static const char hex[] = "0123456789ABCDEF", mark[] = "...";
	cleanup_with(BIO_free_all_p) BIO *letters = print_name(
		certificate, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB);
	cleanup_with(BIO_free_all_p) BIO *escaped =
		print_name(certificate, XN_FLAG_RFC2253);
	size_t used = 0, step;
	char *text;

	ret[0] = '\0';
	if (!letters || !escaped)
		return;
	/* What could deceive a reader is escaped, and so is all else that is not ASCII.
	 */
	BIO_get_mem_data(letters, &text);
	if (!verity_text_printable(text, strlen(text)))
		BIO_get_mem_data(escaped, &text);
	if ((size_t)snprintf(ret, size, "%s", text) < size)
		return;
	/* A character is kept whole, and so is an escape: `\,` or `\C3`. */
	for (;; used += step) {
		step = 1;
		if (text[used] == '\\')
			step = strspn(text + used + 1, hex) >= 2 ? 3 : 2;
		while ((text[used + step] & 0xc0) == 0x80)
			step++;
		if (used + step + sizeof(mark) > size)
			break;
	}
	memcpy(ret + used, mark, sizeof(mark));
}

bool verity_certificate_key_id(X509 *certificate, uint8_t ret[static VERITY_KEY_ID_BYTES])
{
	unsigned char *der = NULL;
	int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
	bool known = size > 0 &&
		     EVP_Digest(der, (size_t)size, ret, NULL, EVP_sha256(), NULL) == 1;

	OPENSSL_free(der);
	return known;
}

int verity_key_bits_min(const EVP_PKEY *key)
{
	switch (key ? EVP_PKEY_get_base_id(key) : EVP_PKEY_NONE) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		return RSA_BITS_MIN;
	case EVP_PKEY_EC:
		return EC_BITS_MIN;
	default:
		return 0;
	}
}

const char *verity_purpose_name(enum verity_purpose purpose)
{
	return purposes[purpose].name;
}

/* X509_get_extended_key_usage() knows only the purposes that OpenSSL knows. */
bool verity_certificate_is_for(X509 *certificate, enum verity_purpose purpose)
{
	EXTENDED_KEY_USAGE *usage =
		X509_get_ext_d2i(certificate, NID_ext_key_usage, NULL, NULL);
	char oid[80];
	bool found = false;

	for (int i = 0; !found && i < sk_ASN1_OBJECT_num(usage); i++)
		found = OBJ_obj2txt(oid, sizeof(oid), sk_ASN1_OBJECT_value(usage, i), 1) >
				0 &&
			strcmp(oid, purposes[purpose].oid) == 0;
	EXTENDED_KEY_USAGE_free(usage);
	return found;
}

/* In the one form that RFC 5280 §4.1.2.5 has for its type. */
static bool get_validity(const ASN1_TIME *time, int64_t *ret)
{
	const char *text = (const char *)ASN1_STRING_get0_data(time);
	size_t bytes = (size_t)ASN1_STRING_length(time);
	size_t digits = ASN1_STRING_type(time) == V_ASN1_UTCTIME ? 12 : 14;

	return bytes == digits + 1 && text[digits] == 'Z' &&
	       strspn(text, "0123456789") == digits && verity_asn1_time_get(time, ret);
}

int verity_certificate_check_time(const X509 *certificate, int64_t when)
{
	int64_t from, until;

	if (!get_validity(X509_get0_notBefore(certificate), &from))
		return X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD;
	if (when < from)
		return X509_V_ERR_CERT_NOT_YET_VALID;
	if (!get_validity(X509_get0_notAfter(certificate), &until))
		return X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD;
	return when < until ? X509_V_OK : X509_V_ERR_CERT_HAS_EXPIRED;
}
