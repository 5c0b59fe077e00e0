/* SPDX-License-Identifier: MIT */
#include "verity/sign/signing_key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/certificate.h"
#include "verity/cms/openssl.h"
#include "verity/sign/pkcs11_uri.h"
#include "verity/sign/signing_key_private.h"
#include "verity/sign/token.h"
#include "verity/util/cleanup.h"

#define WHAT_MAX (PATH_MAX + 32)

void verity_signing_key_free(struct verity_signing_key *key)
{
	if (!key)
		return;
	EVP_PKEY_free(key->key);
	verity_token_free(key->token);
	verity_secret_wipe(&key->secret);
	X509_free(key->certificate);
	sk_X509_pop_free(key->chain, X509_free);
	free(key);
}

static int open_file(const char *path, BIO **ret, struct verity_error *err)
{
	*ret = BIO_new_file(path, "re");
	if (*ret)
		return 0;
	ERR_clear_error();
	return verity_fail(err, VERITY_E_KEY, "%s: cannot be opened: %s", path,
			   strerror(errno));
}

/* Each passphrase is asked for once; a wrong one fails, it is not asked for again. */
static int give_passphrase(char *buffer, int size, int writing, void *context)
{
	struct verity_signing_key *key = context;
	const char *text;
	size_t length;

	(void)writing;
	text = verity_secret_get(&key->secret, key->secret.what);
	length = text ? strlen(text) : 0;
	if (!text || length > (size_t)size)
		return -1;
	memcpy(buffer, text, length);
	return (int)length;
}

static int fail_pem_key(const char *path, const struct verity_secret *secret,
			struct verity_error *err)
{
	if (secret->asked && !secret->known) {
		ERR_clear_error();
		if (err)
			*err = secret->why;
		return -EINVAL;
	}
	if (secret->asked)
		return verity_fail_openssl(err, VERITY_E_PIN, "%s: wrong passphrase",
					   path);
	return verity_fail_openssl(err, VERITY_E_KEY,
				   "%s: not a PEM private key that can be read", path);
}

static int load_pem_key(const char *path, struct verity_signing_key *key,
			struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	char what[WHAT_MAX];
	int r = open_file(path, &bio, err);

	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "Passphrase of %s", path);
	key->secret.what = what;
	key->key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, key);
	key->secret.what = NULL;
	return key->key ? 0 : fail_pem_key(path, &key->secret, err);
}

static int load_key(const char *name, struct verity_signing_key *key,
		    struct verity_error *err)
{
	int r = verity_pkcs11_uri_is(name)
			? verity_token_load_key(name, &key->secret, &key->key,
						&key->token, err)
			: load_pem_key(name, key, err);

	/* A key of a token may want its PIN again for each signature. */
	if (r == 0 && !key->token)
		verity_secret_wipe(&key->secret);
	return r;
}

static int load_pem_certificate(const char *path, X509 **ret, struct verity_error *err)
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

static int load_certificate(const char *name, X509 **ret, struct verity_error *err)
{
	return verity_pkcs11_uri_is(name) ? verity_token_load_certificate(name, ret, err)
					  : load_pem_certificate(name, ret, err);
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

/* The certificate first: nobody should type a PIN for want of a file. */
int verity_signing_key_load(const char *key, const char *cert, const char *chain,
			    const struct verity_secrets *secrets,
			    struct verity_signing_key **ret, struct verity_error *err)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *loaded =
		calloc(1, sizeof(*loaded));
	int r;

	ERR_clear_error();
	if (!loaded || !(loaded->chain = sk_X509_new_null()))
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	loaded->secret.source = secrets;
	r = load_certificate(cert, &loaded->certificate, err);
	if (r == 0 && chain)
		r = load_chain(chain, loaded->chain, err);
	if (r == 0)
		r = load_key(key, loaded, err);
	if (r < 0)
		return r;
	if (X509_check_private_key(loaded->certificate, loaded->key) != 1) {
		ERR_clear_error();
		return verity_fail(err, VERITY_E_KEY, "%s is not the certificate of %s",
				   cert, key);
	}
	*ret = steal_ptr(&loaded);
	return 0;
}

void verity_signing_key_set_padding(struct verity_signing_key *key,
				    enum verity_rsa_padding padding)
{
	key->padding = padding;
}

int verity_signing_key_check_purpose(const struct verity_signing_key *key,
				     enum verity_purpose purpose,
				     struct verity_error *err)
{
	if (!verity_certificate_is_for(key->certificate, purpose))
		return verity_fail(err, VERITY_E_KEY, "the certificate is not for %s",
				   verity_purpose_name(purpose));
	if (!(X509_get_key_usage(key->certificate) & KU_DIGITAL_SIGNATURE))
		return verity_fail(err, VERITY_E_KEY,
				   "the certificate is not for digital signatures");
	return 0;
}

const EVP_MD *verity_signing_key_digest(const struct verity_signing_key *key)
{
	if (EVP_PKEY_get_base_id(key->key) != EVP_PKEY_EC)
		return EVP_sha256();
	if (EVP_PKEY_get_bits(key->key) > 384)
		return EVP_sha512();
	return EVP_PKEY_get_bits(key->key) > 256 ? EVP_sha384() : EVP_sha256();
}
