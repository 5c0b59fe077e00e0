/* SPDX-License-Identifier: MIT */
#pragma once

/* A signing key as OpenSSL sees it, for the files of this room. */

#include "verity/sign/passphrase.h"
#include "verity/sign/signing_key.h"

#include <openssl/x509.h>

struct verity_token;

struct verity_signing_key {
	EVP_PKEY *key;
	X509 *certificate;
	STACK_OF(X509) * chain;
	struct verity_token *token; /* that has the key; NULL: it is from a file */
	struct verity_secret secret;
	enum verity_rsa_padding padding;
};

/**
 * verity_signing_key_digest - the digest that a key signs with: as strong as the key
 */
const EVP_MD *verity_signing_key_digest(const struct verity_signing_key *key);
