/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/cms.h"
#include "verity/format.h"
#include "verity/keyring_private.h"

struct verity_signing_key {
	EVP_PKEY *key;
	X509 *certificate;
	STACK_OF(X509) * chain;
};

DEFINE_CLEANUP(BIO, BIO_free_all);
DEFINE_CLEANUP(CMS_ContentInfo, CMS_ContentInfo_free);
DEFINE_CLEANUP(ASN1_TIME, ASN1_TIME_free);

void verity_signing_key_free(struct verity_signing_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	X509_free(key->certificate);
	sk_X509_pop_free(key->chain, X509_free);
	free(key);
}

DEFINE_CLEANUP(struct verity_signing_key, verity_signing_key_free);

static int open_file(const char *path, BIO **ret, struct verity_error *err)
{
	*ret = BIO_new_file(path, "re");
	if (*ret)
		return 0;
	ERR_clear_error();
	return verity_fail(err, VERITY_E_KEY, "%s: cannot be opened: %s", path,
			   strerror(errno));
}

static int load_key(const char *path, EVP_PKEY **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	int r = open_file(path, &bio, err);

	if (r < 0)
		return r;
	*ret = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	if (!*ret)
		return verity_fail_openssl(err, VERITY_E_KEY,
					   "%s: not a PEM private key that can be read",
					   path);
	return 0;
}

static int load_certificate(const char *path, X509 **ret, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	int r = open_file(path, &bio, err);

	if (r < 0)
		return r;
	*ret = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	if (!*ret)
		return verity_fail_openssl(err, VERITY_E_KEY, "%s: not a PEM certificate",
					   path);
	return 0;
}

static int load_chain(const char *path, STACK_OF(X509) * chain, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	X509 *certificate;
	int r = open_file(path, &bio, err);

	if (r < 0)
		return r;
	while ((certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)))
		if (sk_X509_push(chain, certificate) <= 0) {
			X509_free(certificate);
			return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
		}
	ERR_clear_error();
	if (sk_X509_num(chain) == 0)
		return verity_fail(err, VERITY_E_KEY, "%s: no PEM certificate in it",
				   path);
	return 0;
}

int verity_signing_key_load(const char *key_path, const char *cert_path,
			    const char *chain_path, struct verity_signing_key **ret,
			    struct verity_error *err)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key =
		calloc(1, sizeof(*key));
	int r;

	ERR_clear_error();
	if (!key || !(key->chain = sk_X509_new_null()))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = load_key(key_path, &key->key, err);
	if (r == 0)
		r = load_certificate(cert_path, &key->certificate, err);
	if (r == 0 && chain_path)
		r = load_chain(chain_path, key->chain, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(key->certificate, key->key) != 1) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_KEY, "%s is not the certificate of %s",
				   cert_path, key_path);
	}
	*ret = steal_ptr(&key);
	return 0;
}

/* UTCTime until 2049, GeneralizedTime after it, as RFC 5652 §11.3 asks. */
static int set_signing_time(CMS_SignerInfo *signer, int64_t when)
{
	cleanup_with(ASN1_TIME_free_p) ASN1_TIME *asn1 =
		ASN1_TIME_set(NULL, (time_t)when);

	return asn1 && CMS_signed_add1_attr_by_NID(signer, NID_pkcs9_signingTime,
						   asn1->type, asn1, -1) == 1;
}

static CMS_ContentInfo *sign(BIO *content, const struct verity_signing_key *key,
			     int64_t when)
{
	const unsigned flags =
		CMS_PARTIAL | CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP | CMS_CADES;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms =
		CMS_sign(NULL, NULL, key->chain, content, flags);
	CMS_SignerInfo *signer;

	if (!cms)
		return NULL;
	signer = CMS_add1_signer(cms, key->certificate, key->key, EVP_sha256(), flags);
	if (!signer || !set_signing_time(signer, when) ||
	    CMS_final(cms, content, NULL, flags) != 1)
		return NULL;
	return steal_ptr(&cms);
}

int verity_cms_sign(const void *data, size_t data_bytes,
		    const struct verity_signing_key *key, int64_t when, uint8_t **ret,
		    size_t *ret_bytes, struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *content = NULL;
	cleanup_with(CMS_ContentInfo_free_p) CMS_ContentInfo *cms = NULL;
	cleanup_free uint8_t *copy = NULL;
	unsigned char *der = NULL;
	int size;

	ERR_clear_error();
	if (data_bytes > INT_MAX)
		return verity_fail(err, VERITY_E_KEY, "too much to sign");
	content = BIO_new_mem_buf(data, (int)data_bytes);
	cms = content ? sign(content, key, when) : NULL;
	size = cms ? i2d_CMS_ContentInfo(cms, &der) : -1;
	if (size < 0)
		return verity_fail_openssl(err, VERITY_E_KEY, "signing failed");
	copy = malloc((size_t)size);
	if (copy)
		memcpy(copy, der, (size_t)size);
	OPENSSL_free(der);
	if (!copy)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (size > VERITY_SIGNATURE_MAX)
		return verity_fail(
			err, VERITY_E_KEY,
			"the signature has %d bytes, over the limit of %d (enclose "
			"fewer certificates)",
			size, VERITY_SIGNATURE_MAX);
	*ret_bytes = (size_t)size;
	*ret = steal_ptr(&copy);
	return 0;
}
