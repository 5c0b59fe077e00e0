/* SPDX-License-Identifier: MIT */
#pragma once

/* One PIN or passphrase while it is needed: asked for once, kept in one place, wiped. */

#include "verity/util/error.h"

#define VERITY_SECRET_MAX 256 /* bytes of a PIN or passphrase, with its final 0 */

/*
 * The source of PINs and passphrases. It is asked at most once for each key, and only
 * where one is needed: tokens lock themselves after a few wrong PINs.
 */
struct verity_secrets {
	/*
	 * @what: what is asked for, as a person is asked: "Passphrase of FILE"
	 * @file: the file that the URI says it is in (pin-source); NULL: not said
	 * @ret:  0-terminated; wiped by the caller
	 *
	 * Return: 0; what verity_signing_key_load() is to fail with, @err filled.
	 */
	int (*ask)(void *context, const char *what, const char *file,
		   char ret[static VERITY_SECRET_MAX], struct verity_error *err);
	void *context; /* borrowed */
};

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
