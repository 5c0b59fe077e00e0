/* SPDX-License-Identifier: MIT */

/* The signature path with verification on: nothing made up here may ever be trusted. */

#include "tests/fuzz/fuzz.h"

#include <errno.h>

#include "verity/cms.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verity_keyring *keyring;
	static const char text[] = "{\"type\":\"package\"}";
	struct verity_signatures signatures;
	int r;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_KEYS") ?: "", &keyring, NULL) ==
			0);
	r = verity_cms_verify(text, sizeof(text) - 1, data, size, keyring,
			      VERITY_PURPOSE_PACKAGE, &signatures, NULL);
	require(r == -EBADMSG || r == -EKEYREJECTED);
	return 0;
}
