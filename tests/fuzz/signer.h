/* SPDX-License-Identifier: MIT */
#pragma once

/* Keys of this run, so that what an input says lies behind a signature that is trusted.
 */

#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <time.h>

#include "tests/verity/keys.h"
#include "verity/cms/keyring.h"
#include "verity/sign/cms_sign.h"

struct signer {
	struct keys files;
	struct verity_keyring *keyring;
	struct verity_signing_key *keys[2]; /* by enum verity_purpose */
};

static struct signer signer;

static inline void signer_delete(void)
{
	keys_delete(&signer.files);
}

static inline struct verity_signing_key *signer_load(const char *name)
{
	struct verity_signing_key *key;
	char paths[2][128], file[32];

	snprintf(file, sizeof(file), "%s.key", name);
	keys_path(&signer.files, file, paths[0]);
	snprintf(file, sizeof(file), "%s.pem", name);
	keys_path(&signer.files, file, paths[1]);
	require(verity_signing_key_load(paths[0], paths[1], NULL, NULL, &key, NULL) == 0);
	return key;
}

/* The key ring; made at the first call. */
static inline const struct verity_keyring *signer_ring(void)
{
	if (signer.keyring)
		return signer.keyring;
	keys_make(&signer.files);
	atexit(signer_delete);
	signer.keys[VERITY_PURPOSE_PACKAGE] = signer_load("signer");
	signer.keys[VERITY_PURPOSE_UNLOCK] = signer_load("unlock");
	require(verity_keyring_load(signer.files.ring, &signer.keyring, NULL) == 0);
	return signer.keyring;
}

/* @ret: DER; free() */
static inline void signer_sign(const void *text, size_t bytes,
			       enum verity_purpose purpose, uint8_t **ret,
			       size_t *ret_bytes)
{
	(void)signer_ring();
	require(verity_cms_sign(text, bytes, signer.keys[purpose], time(NULL), ret,
				ret_bytes, NULL) == 0);
}
