/* SPDX-License-Identifier: MIT */
#pragma once

/* The key ring as OpenSSL sees it; for the files of verity/ that speak OpenSSL. */

#include "verity/cms/keyring.h"

#include <openssl/x509.h>

X509_STORE *verity_keyring_store(const struct verity_keyring *keyring);
STACK_OF(X509) * verity_keyring_certificates(const struct verity_keyring *keyring);

/**
 * verity_keyring_file - name of the file that a certificate of the ring is from
 *
 * Return: borrowed; NULL where the ring does not hold it.
 */
const char *verity_keyring_file(const struct verity_keyring *keyring,
				const X509 *certificate);

/**
 * verity_fail_openssl - fill @err with a message and the whole queue of OpenSSL
 */
int verity_fail_openssl(struct verity_error *err, enum verity_code code,
			const char *format, ...) __attribute__((format(printf, 3, 4)));
