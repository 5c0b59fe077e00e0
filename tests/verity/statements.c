/* SPDX-License-Identifier: MIT */
#include "tests/verity/statements.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/check.h"
#include "verity/sign/cms_sign.h"
#include "verity/util/cleanup.h"

void statement_sign(const struct keys *keys, const char *text, const char *signer,
		    int64_t when, uint8_t **ret, size_t *ret_bytes)
{
	cleanup_with(verity_signing_key_free_p) struct verity_signing_key *key = NULL;
	char key_path[128], cert_path[128], file[32];
	struct verity_error err;

	snprintf(file, sizeof(file), "%s.key", signer);
	keys_path(keys, file, key_path);
	snprintf(file, sizeof(file), "%s.pem", signer);
	keys_path(keys, file, cert_path);
	check_ok(verity_signing_key_load(key_path, cert_path, NULL, NULL, &key, &err),
		 &err);
	check_ok(verity_cms_sign(text, strlen(text), key, when, ret, ret_bytes, &err),
		 &err);
}

struct statement_file statement_make(const struct keys *keys, const char *text,
				     const char *signer)
{
	cleanup_free uint8_t *signature = NULL;
	struct verity_statement_parts parts = {.text = (const uint8_t *)text,
					       .text_bytes = strlen(text)};
	struct statement_file file;
	struct verity_error err;

	if (signer)
		statement_sign(keys, text, signer, time(NULL), &signature,
			       &parts.signature_bytes);
	parts.signature = signature;
	check_ok(verity_statement_join(&parts, &file.bytes, &file.size, &err), &err);
	return file;
}

struct verity_keyring *statement_ring(const struct keys *keys)
{
	struct verity_keyring *keyring;
	struct verity_error err;

	check_ok(verity_keyring_load(keys->ring, &keyring, &err), &err);
	return keyring;
}
