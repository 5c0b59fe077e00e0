/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Where wmopkg-build has a PIN or passphrase from: the file that a pkcs11: URI names, the
 * one of --pin-file, the environment's WMOPKG_PIN, or a person at a terminal, in this
 * order. Never from the command line, where everybody on the host can read it.
 */

#include "verity/sign/signing_key.h"

#define SECRET_VARIABLE "WMOPKG_PIN"

/**
 * secret_ask - see struct verity_secrets
 * @context: the path given with --pin-file, a const char *; NULL: not given
 *
 * Warns of a file that others than its owner can open.
 */
int secret_ask(void *context, const char *what, const char *file,
	       char ret[static VERITY_SECRET_MAX], struct verity_error *err) must_check;

/**
 * secret_forget - wipe what the environment holds
 */
void secret_forget(void);
