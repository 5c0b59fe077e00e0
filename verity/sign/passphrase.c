/* SPDX-License-Identifier: MIT */

/* Asking for a PIN or passphrase at most once. */

#include "verity/sign/passphrase.h"

#include <openssl/crypto.h>

const char *verity_secret_get(struct verity_secret *secret, const char *what)
{
	if (secret->known)
		return secret->text;
	if (secret->asked)
		return NULL;
	secret->asked = true;
	if (!secret->source) {
		verity_fail(&secret->why, VERITY_E_PIN, "%s is needed", what);
		return NULL;
	}
	if (secret->source->ask(secret->source->context, what, secret->file, secret->text,
				&secret->why) < 0)
		return NULL;
	secret->known = true;
	return secret->text;
}

void verity_secret_wipe(struct verity_secret *secret)
{
	OPENSSL_cleanse(secret->text, sizeof(secret->text));
	secret->known = false;
}
