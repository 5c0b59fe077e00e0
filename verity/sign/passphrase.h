/* SPDX-License-Identifier: MIT */
#pragma once

/* One PIN or passphrase while it is needed: asked for once, kept in one place, wiped. */

#include "verity/sign/signing_key.h"

struct verity_secret {
	const struct verity_secrets *source; /* borrowed; NULL: nobody knows any */
	const char *what;                    /* borrowed; NULL: OpenSSL says it */
	const char *file;                    /* borrowed; NULL: the URI says none */
	char text[VERITY_SECRET_MAX];
	bool asked;
	bool known;
	struct verity_error why; /* it is not known; code VERITY_OK before */
};

/**
 * verity_secret_get - the secret, asked for where that has not been done yet
 * @what: instead of the one that is kept
 *
 * Return: borrowed, 0-terminated; NULL where it is not known, @secret->why saying so.
 */
const char *verity_secret_get(struct verity_secret *secret, const char *what);

/**
 * verity_secret_wipe - forget it, in memory too
 */
void verity_secret_wipe(struct verity_secret *secret);
