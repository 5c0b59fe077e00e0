/* SPDX-License-Identifier: MIT */
#include "verity/cms/certificate.h"

#include <openssl/x509v3.h>
#include <string.h>

static const struct {
	const char *oid;
	const char *name;
} purposes[] = {
	[VERITY_PURPOSE_PACKAGE] = {"1.3.6.1.5.5.7.3.3",
				    "signing packages (extended key usage codeSigning)"},
	[VERITY_PURPOSE_UNLOCK] =
		{VERITY_OID_UNLOCK,
		 "signing unlock statements (extended key usage " VERITY_OID_UNLOCK ")"},
};

const char *verity_purpose_name(enum verity_purpose purpose)
{
	return purposes[purpose].name;
}

/*
 * X509_get_extended_key_usage() knows only what OpenSSL knows. Any purpose
 * (anyExtendedKeyUsage) is none of ours.
 */
bool verity_purpose_is_of(X509 *certificate, enum verity_purpose purpose)
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

static int check_digital_signature(X509 *certificate, struct verity_error *err)
{
	if (X509_get_key_usage(certificate) & KU_DIGITAL_SIGNATURE)
		return 0;
	return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
			   "the signer's certificate is not for digital signatures");
}

/* The leaf must be for this; what is above it must not be for something else. */
int verity_cms_purpose_check(STACK_OF(X509) * chain, enum verity_purpose purpose,
			     struct verity_error *err)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *certificate = sk_X509_value(chain, i);

		if (i > 0 && !(X509_get_extension_flags(certificate) & EXFLAG_XKUSAGE))
			continue;
		if (!verity_purpose_is_of(certificate, purpose))
			return verity_fail(err, VERITY_E_UNTRUSTED_SIGNER,
					   "a certificate of the signer is not for %s",
					   purposes[purpose].name);
	}
	return check_digital_signature(sk_X509_value(chain, 0), err);
}
