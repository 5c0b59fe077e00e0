/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The signer: a private key, its certificate, and the certificates that travel with a
 * signature. The key is a PEM file, or is in a token that never reveals it and is
 * named by a pkcs11: URI (RFC 7512); then the token does the signing.
 */

#include "verity/cms/cms.h"
#include "verity/sign/passphrase.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"

/* How an RSA key signs. */
enum verity_rsa_padding {
	VERITY_RSA_PSS,   /* salt as long as the digest */
	VERITY_RSA_PKCS1, /* PKCS #1 v1.5, for tokens that cannot do PSS */
};

struct verity_signing_key;

/**
 * verity_signing_key_load - get hold of a private key and its certificate
 * @key:     PEM private key, passphrase or not; or a pkcs11: URI
 * @cert:    certificate of that key, in PEM or DER; or a pkcs11: URI. The other
 *           certificates of a file with several are enclosed, as those of @chain
 * @chain:   intermediate certificates to enclose, or NULL; none is enclosed twice
 * @secrets: borrowed, must outlive the key; NULL: there is none to ask
 * @ret:     set on success only; free with verity_signing_key_free()
 *
 * Of pkcs11: URIs `module-path` and `pin-source=file:PATH` are honoured as well as what
 * names token and object; `pin-value` is refused. Without module-path the token's
 * library is the one in the environment's PKCS11_MODULE_PATH, else p11-kit's. A wrong
 * PIN is never tried again.
 *
 * Return: 0; -EINVAL (KEY) where a file or token does not hold what it should, the PIN or
 * passphrase is wrong, or key and certificate do not belong together; -errno.
 */
int verity_signing_key_load(const char *key, const char *cert, const char *chain,
			    const struct verity_secrets *secrets,
			    struct verity_signing_key **ret,
			    struct verity_error *err) must_check;

void verity_signing_key_free(struct verity_signing_key *key);

DEFINE_CLEANUP(struct verity_signing_key, verity_signing_key_free);

/**
 * verity_signing_key_set_padding - how an RSA key signs; by default PSS
 */
void verity_signing_key_set_padding(struct verity_signing_key *key,
				    enum verity_rsa_padding padding);

/**
 * verity_signing_key_check_purpose - whether the certificate of @key is for @purpose
 *
 * Without it every device would refuse what the key signs.
 *
 * Return: 0; -EINVAL (KEY).
 */
int verity_signing_key_check_purpose(const struct verity_signing_key *key,
				     enum verity_purpose purpose,
				     struct verity_error *err) must_check;

/**
 * verity_signing_key_check_devices - whether the rules of devices about the strength of a
 * key and the validity of its certificate allow a signature at @when
 * @when: signing time, seconds since 1970
 *
 * A timestamp of an authority takes the place of the signing time on devices that have
 * its certificate.
 *
 * Return: 0; -EINVAL (KEY).
 */
int verity_signing_key_check_devices(const struct verity_signing_key *key, int64_t when,
				     struct verity_error *err) must_check;
