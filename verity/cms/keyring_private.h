/* SPDX-License-Identifier: MIT */
#pragma once

/* The key ring as OpenSSL sees it, for the files of this room. */

#include "verity/cms/issued.h"
#include "verity/cms/keyring.h"

#include <openssl/x509.h>

struct verity_keyring {
	struct verity_keyring
		*timestamps; /* all anchors of timestamps; NULL in that one */
	bool require_timestamps;
	struct verity_error skipped; /* the first of them; see verity_keyring_skipped() */
	size_t skipped_count;
	X509_STORE *store;
	STACK_OF(X509) * certificates;    /* the same ones, to find a signer among */
	struct verity_cms_issued *issued; /* owned: by them, as far as it was seen */
	char files[VERITY_KEYRING_MAX][VERITY_KEYRING_NAME_MAX + 1]; /* of each */
};

/**
 * verity_keyring_file - name of the file that a certificate of the ring is from
 *
 * Return: borrowed; NULL where the ring does not contain it.
 */
const char *verity_keyring_file(const struct verity_keyring *keyring,
				const X509 *certificate);
