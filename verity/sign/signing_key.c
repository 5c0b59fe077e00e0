/* SPDX-License-Identifier: MIT */

/* Loading a private key and its certificate, from PEM files or a token. */

#include "verity/sign/signing_key.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cms/certificate.h"
#include "verity/cms/openssl.h"
#include "verity/sign/pkcs11_uri.h"
#include "verity/sign/signing_key_private.h"
#include "verity/sign/token.h"

DEFINE_CLEANUP(PKCS12, PKCS12_free);
DEFINE_CLEANUP(PKCS7, PKCS7_free);

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
	int reason;

	*ret = BIO_new_file(path, "re");
	reason = errno;
	if (*ret)
		return 0;
	ERR_clear_error();
	return verity_fail(err, reason == ENOENT ? VERITY_E_NOT_FOUND : VERITY_E_KEY,
			   "%s: cannot be opened: %s", path, strerror(reason));
}

/* Each passphrase is asked for once; after a wrong one loading fails. */
static int give_passphrase(char *buffer, int size, int writing, void *context)
{
	struct verity_secret *secret = context;
	const char *text = verity_secret_get(secret, secret->what);
	size_t length = text ? strlen(text) : 0;

	(void)writing;
	if (!text || length > (size_t)size)
		return -1;
	memcpy(buffer, text, length);
	return (int)length;
}

/* As Windows and Java keep a key together with its certificates. */
static bool is_pkcs12(BIO *bio)
{
	cleanup_with(PKCS12_free_p) PKCS12 *store = NULL;

	ERR_set_mark();
	(void)BIO_reset(bio);
	store = d2i_PKCS12_bio(bio, NULL);
	ERR_pop_to_mark();
	return store;
}

static int load_pem_key(const char *path, struct verity_signing_key *key,
			struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	struct verity_secret *secret = &key->secret;
	char what[PATH_MAX + 32];
	int r = open_file(path, &bio, err);

	if (r < 0)
		return r;
	snprintf(what, sizeof(what), "Passphrase of %s", path);
	secret->what = what;
	key->key = PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, secret);
	secret->what = NULL;
	if (!key->key && secret->asked && !secret->known) {
		ERR_clear_error();
		r = verity_fail(err, secret->why.code, "%s", secret->why.message);
	} else if (!key->key && secret->asked) {
		r = verity_fail_openssl(err, VERITY_E_PIN, "%s: wrong passphrase", path);
	} else if (!key->key && is_pkcs12(bio)) {
		ERR_clear_error();
		r = verity_fail(err, VERITY_E_KEY,
				"%s: PKCS #12, not a PEM private key (openssl pkcs12 "
				"-nocerts -in %s -out FILE.key)",
				path, path);
	} else if (!key->key) {
		r = verity_fail_openssl(err, VERITY_E_KEY,
					"%s: not a PEM private key that can be read",
					path);
	}
	verity_secret_wipe(secret);
	return r;
}

static bool is_in(STACK_OF(X509) * chain, const X509 *certificate)
{
	for (int i = 0; i < sk_X509_num(chain); i++)
		if (X509_cmp(sk_X509_value(chain, i), certificate) == 0)
			return true;
	return false;
}

/* What certificates come in from other programs, and the command that takes them out. */
static int fail_certificate(const char *path, BIO *bio, struct verity_error *err)
{
	cleanup_with(PKCS7_free_p) PKCS7 *certificates = NULL;
	const char *form = "";

	(void)BIO_reset(bio);
	certificates = PEM_read_bio_PKCS7(bio, NULL, NULL, NULL);
	if (!certificates) {
		(void)BIO_reset(bio);
		certificates = d2i_PKCS7_bio(bio, NULL);
		form = "-inform DER ";
	}
	ERR_clear_error();
	if (certificates)
		return verity_fail(err, VERITY_E_KEY,
				   "%s: PKCS #7, not a certificate (openssl pkcs7 "
				   "%s-print_certs -in %s -out FILE.pem)",
				   path, form, path);
	if (is_pkcs12(bio))
		return verity_fail(err, VERITY_E_KEY,
				   "%s: PKCS #12, not a certificate (openssl pkcs12 "
				   "-nokeys -in %s -out FILE.pem)",
				   path, path);
	ERR_clear_error();
	return verity_fail(err, VERITY_E_KEY, "%s: no certificate in PEM or DER", path);
}

/* Adds the certificates of a file to @chain, each once. */
static int load_certificates(const char *path, STACK_OF(X509) * chain,
			     struct verity_error *err)
{
	cleanup_with(BIO_free_all_p) BIO *bio = NULL;
	int count = 0, r = open_file(path, &bio, err);

	for (; r == 0; count++) {
		cleanup_with(X509_free_p) X509 *certificate =
			PEM_read_bio_X509(bio, NULL, NULL, NULL);

		if (!certificate && count == 0) {
			(void)BIO_reset(bio);
			certificate = d2i_X509_bio(bio, NULL);
		}
		if (!certificate)
			break;
		if (is_in(chain, certificate))
			continue;
		if (sk_X509_push(chain, certificate) <= 0)
			return verity_no_memory(err);
		(void)steal_ptr(&certificate);
	}
	if (r == 0 && count == 0)
		r = fail_certificate(path, bio, err);
	/* The end of the file is "no start line"; anything else is damage. */
	else if (r == 0 && ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
		r = verity_fail_openssl(err, VERITY_E_KEY,
					"%s: damaged after certificate "
					"number %d",
					path, count);
	ERR_clear_error();
	return r;
}

/* Takes the certificate of the key out of the first @count of the chain. */
static void take_certificate(struct verity_signing_key *key, int count)
{
	for (int i = 0; i < count && !key->certificate; i++)
		if (X509_check_private_key(sk_X509_value(key->chain, i), key->key) == 1)
			key->certificate = sk_X509_delete(key->chain, i);
	/* That of a token may be in the file of the chain. */
	for (int i = sk_X509_num(key->chain) - 1; key->certificate && i >= 0; i--)
		if (X509_cmp(sk_X509_value(key->chain, i), key->certificate) == 0)
			X509_free(sk_X509_delete(key->chain, i));
	ERR_clear_error();
}

/* The certificate first: nobody should type a PIN and then learn of a missing file. */
int verity_signing_key_load(const char *key, const char *cert, const char *chain,
			    const struct verity_secrets *secrets,
			    struct verity_signing_key **ret, struct verity_error *err)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *loaded =
		calloc(1, sizeof(*loaded));
	int r, count;

	ERR_clear_error();
	if (!loaded || !(loaded->chain = sk_X509_new_null()))
		return verity_no_memory(err);
	loaded->secret.source = secrets;
	r = verity_pkcs11_uri_is(cert)
		    ? verity_token_load_certificate(cert, &loaded->certificate, err)
		    : load_certificates(cert, loaded->chain, err);
	count = sk_X509_num(loaded->chain);
	if (r == 0 && chain)
		r = load_certificates(chain, loaded->chain, err);
	/* A token may ask for its PIN again at each signature, so that one is kept. */
	if (r == 0)
		r = verity_pkcs11_uri_is(key)
			    ? verity_token_load_key(key, &loaded->secret, &loaded->key,
						    &loaded->token, err)
			    : load_pem_key(key, loaded, err);
	if (r < 0)
		return r;
	take_certificate(loaded, count);
	if (!loaded->certificate ||
	    X509_check_private_key(loaded->certificate, loaded->key) != 1) {
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

int verity_signing_key_check_devices(const struct verity_signing_key *key, int64_t when,
				     struct verity_error *err)
{
	int bits = EVP_PKEY_get_bits(key->key), bits_min = verity_key_bits_min(key->key);
	int reason = verity_certificate_check_time(key->certificate, when);

	if (bits < bits_min)
		return verity_fail(err, VERITY_E_KEY,
				   "devices would refuse the signature: the key has %d "
				   "bits, the minimum is %d",
				   bits, bits_min);
	if (reason != X509_V_OK)
		return verity_fail(err, VERITY_E_KEY,
				   "devices would refuse the signature: at the signing "
				   "time: %s",
				   X509_verify_cert_error_string(reason));
	return 0;
}

const EVP_MD *verity_signing_key_digest(const struct verity_signing_key *key)
{
	int bits = EVP_PKEY_get_bits(key->key);

	if (EVP_PKEY_get_base_id(key->key) != EVP_PKEY_EC || bits <= 256)
		return EVP_sha256();
	return bits <= 384 ? EVP_sha384() : EVP_sha512();
}
