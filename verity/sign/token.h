/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Tokens with PKCS #11: smart cards, HSMs, SoftHSM. Reached through OpenSSL's engine
 * `pkcs11` of libp11 (Debian: libengine-pkcs11-openssl), which is loaded where a pkcs11:
 * URI is used and never else. Part of what signs: nothing that boots refers to it.
 */

#include "verity/sign/passphrase.h"
#include "verity/util/cleanup.h"

#include <openssl/x509.h>

struct verity_token;

/**
 * verity_token_load_key - the private key that a URI names
 * @secret:    the PIN's place; its .file is set; must outlive the token
 * @ret:       set on success only; EVP_PKEY_free() before the token is freed
 * @ret_token: set on success only; free with verity_token_free()
 *
 * Return: 0; -EINVAL (KEY, PIN, USAGE); -EOPNOTSUPP (UNSUPPORTED) without the engine.
 */
int verity_token_load_key(const char *uri, struct verity_secret *secret, EVP_PKEY **ret,
			  struct verity_token **ret_token,
			  struct verity_error *err) must_check;

/**
 * verity_token_load_certificate - the certificate that a URI names; no PIN is used
 * @ret: set on success only; X509_free()
 */
int verity_token_load_certificate(const char *uri, X509 **ret,
				  struct verity_error *err) must_check;

void verity_token_free(struct verity_token *token);

DEFINE_CLEANUP(struct verity_token, verity_token_free);
