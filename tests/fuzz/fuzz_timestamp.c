/* SPDX-License-Identifier: MIT */
/*
 * A timestamp alone: two bytes with the size of a signature, the signature, the token.
 * The ring has the authority of the corpus, whose key was thrown away.
 */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "verity/cms/timestamp.h"

#define STRANGE 16

static void check(const struct verity_der *token, const struct verity_der *signature,
		  const struct verity_keyring *keyring)
{
	struct verity_signatures signatures = {.count = 0};
	struct verity_cms_stamp stamp = {.time = -1};
	unsigned strange = STRANGE;
	int r = verity_cms_timestamp_check(token, signature, keyring, &strange,
					   &signatures, &stamp, NULL);

	require(r == 0 || r == -EBADMSG || r == -EKEYREJECTED);
	require(strange <= STRANGE);
	require(signatures.key_id_count <= VERITY_KEY_IDS_MAX);
	require(strnlen(stamp.anchor, sizeof(stamp.anchor)) < sizeof(stamp.anchor));
	require(r < 0 || (stamp.time >= 0) == (stamp.anchor[0] != '\0'));
	require(keyring || r < 0 || stamp.time == -1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verity_keyring *keyring;
	struct verity_der token, signature;
	size_t length;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_KEYS") ?: "", &keyring, NULL) ==
			0);
	if (size < 2)
		return 0;
	length = data[0] | (size_t)data[1] << 8;
	if (length > size - 2)
		return 0;
	signature = (struct verity_der){data + 2, data + 2 + length};
	token = (struct verity_der){signature.end, data + size};
	check(&token, &signature, keyring);
	check(&token, &signature, NULL);
	return 0;
}
