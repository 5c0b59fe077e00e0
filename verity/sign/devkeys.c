/* SPDX-License-Identifier: MIT */

/* Making development keys and certificates. */

#include "verity/sign/devkeys.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verity/cms/cms.h"
#include "verity/cms/openssl.h"

#define DAY         86400
#define VALID_DAYS  7305 /* 20 years */
#define SERIAL_BITS 127

static const struct {
	const char *name;
	const char *common_name;
	const char *constraints;
	const char *key_usage;
	const char *extended_usage; /* NULL: none */
} certificates[] = {
	[VERITY_DEVKEY_ROOT] = {"root", "wmopkg development root", "critical,CA:TRUE",
				"critical,keyCertSign,cRLSign", NULL},
	[VERITY_DEVKEY_SIGNER] = {"signer", "wmopkg development signer",
				  "critical,CA:FALSE", "critical,digitalSignature",
				  "critical,codeSigning"},
	[VERITY_DEVKEY_UNLOCK] = {"unlock", "wmopkg development unlock signer",
				  "critical,CA:FALSE", "critical,digitalSignature",
				  "critical," VERITY_OID_UNLOCK},
};

struct verity_devkeys {
	EVP_PKEY *keys[VERITY_DEVKEY_COUNT];
	X509 *certificates[VERITY_DEVKEY_COUNT];
};

DEFINE_CLEANUP(BIGNUM, BN_free);

const char *verity_devkeys_name(enum verity_devkey which)
{
	return certificates[which].name;
}

void verity_devkeys_free(struct verity_devkeys *keys)
{
	if (!keys)
		return;
	for (int i = 0; i < VERITY_DEVKEY_COUNT; i++) {
		EVP_PKEY_free(keys->keys[i]);
		X509_free(keys->certificates[i]);
	}
	free(keys);
}

static bool add_extensions(X509 *certificate, X509 *issuer, enum verity_devkey which)
{
	const struct {
		int nid;
		const char *value; /* NULL: none */
	} extensions[] = {
		{NID_basic_constraints, certificates[which].constraints},
		{NID_key_usage, certificates[which].key_usage},
		{NID_ext_key_usage, certificates[which].extended_usage},
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid"},
	};
	bool added = true;

	for (size_t i = 0; added && i < sizeof(extensions) / sizeof(extensions[0]); i++) {
		X509_EXTENSION *extension;
		X509V3_CTX context;

		if (!extensions[i].value)
			continue;
		X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
		extension = X509V3_EXT_conf_nid(NULL, &context, extensions[i].nid,
						extensions[i].value);
		added = extension && X509_add_ext(certificate, extension, -1);
		X509_EXTENSION_free(extension);
	}
	return added;
}

/* Valid since yesterday, so that a clock a little behind does not matter. */
static X509 *certify(struct verity_devkeys *keys, enum verity_devkey which)
{
	cleanup_with(X509_free_p) X509 *certificate = X509_new();
	cleanup_with(BN_free_p) BIGNUM *serial = BN_new();
	const char *name = certificates[which].common_name;
	int64_t now = time(NULL);
	X509 *issuer;

	if (!certificate || !serial)
		return NULL;
	issuer = which == VERITY_DEVKEY_ROOT ? certificate
					     : keys->certificates[VERITY_DEVKEY_ROOT];
	if (!X509_set_version(certificate, X509_VERSION_3) ||
	    !BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) ||
	    !BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)) ||
	    !verity_asn1_time_set(X509_getm_notBefore(certificate), now - DAY) ||
	    !verity_asn1_time_set(X509_getm_notAfter(certificate),
				  now + VALID_DAYS * DAY) ||
	    !X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN",
					MBSTRING_UTF8, (const unsigned char *)name, -1,
					-1, 0) ||
	    !X509_set_issuer_name(certificate, X509_get_subject_name(issuer)) ||
	    !X509_set_pubkey(certificate, keys->keys[which]) ||
	    !add_extensions(certificate, issuer, which) ||
	    !X509_sign(certificate, keys->keys[VERITY_DEVKEY_ROOT], EVP_sha256()))
		return NULL;
	return steal_ptr(&certificate);
}

int verity_devkeys_new(struct verity_devkeys **ret, struct verity_error *err)
{
	cleanup_with(verity_devkeys_free_p) struct verity_devkeys *keys =
		calloc(1, sizeof(*keys));

	if (!keys)
		return verity_no_memory(err);
	ERR_clear_error();
	for (int i = 0; i < VERITY_DEVKEY_COUNT; i++) {
		keys->keys[i] = EVP_EC_gen("P-256");
		if (keys->keys[i])
			keys->certificates[i] = certify(keys, (enum verity_devkey)i);
		if (!keys->certificates[i])
			return verity_fail_openssl(err, VERITY_E_KEY,
						   "the %s key cannot be made",
						   certificates[i].name);
	}
	*ret = steal_ptr(&keys);
	return 0;
}

static char *text_of(BIO *bio)
{
	char *data;
	long size = BIO_get_mem_data(bio, &data);

	return size > 0 ? strndup(data, (size_t)size) : NULL;
}

int verity_devkeys_pem(const struct verity_devkeys *keys, enum verity_devkey which,
		       char **ret_key, char **ret_certificate, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *key_bio = BIO_new(BIO_s_mem());
	cleanup_with(BIO_free_all_p) BIO *certificate_bio = BIO_new(BIO_s_mem());
	cleanup_free char *key = NULL;
	cleanup_free char *certificate = NULL;

	if (key_bio && certificate_bio &&
	    PEM_write_bio_PrivateKey(key_bio, keys->keys[which], NULL, NULL, 0, NULL,
				     NULL) &&
	    PEM_write_bio_X509(certificate_bio, keys->certificates[which])) {
		key = text_of(key_bio);
		certificate = text_of(certificate_bio);
	}
	if (!key || !certificate)
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "the %s key cannot be written",
					   certificates[which].name);
	*ret_key = steal_ptr(&key);
	*ret_certificate = steal_ptr(&certificate);
	return 0;
}
