/* SPDX-License-Identifier: MIT */
#pragma once

/* One PIN or passphrase while it is needed: asked for once, kept in one place, wiped. */

#include "verity/sign/signing_key.h"

struct verity_secret {
	const struct verity_secrets *source; /* borrowed; NULL: there is none to ask */
	const char *what;                    /* borrowed; for the callback of OpenSSL */
	const char *file;                    /* borrowed; NULL: not in the URI */
	char text[VERITY_SECRET_MAX];
	bool asked;
	bool known;
	struct verity_error why; /* it is not known */
};

/**
 * verity_secret_get - the secret, asked for where that was not done yet
 * @what: what is asked for, as a person reads it
 *
 * Return: borrowed, 0-terminated; NULL where it is not known, with the reason in
 * @secret->why.
 */
const char *verity_secret_get(struct verity_secret *secret, const char *what);

/**
 * verity_secret_wipe - forget it, in memory too
 */
void verity_secret_wipe(struct verity_secret *secret);
