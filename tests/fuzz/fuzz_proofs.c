/* SPDX-License-Identifier: MIT */
/*
 * What a package proves for the floors, with the key ring that those of the corpus were
 * made for: its key was thrown away, so only their manifests prove anything.
 */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/package/proof.h"

#define LATEST INT64_C(2000000000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct verity_policy ring = {.threads = 1};
	static struct verity_keyring *keyring;
	struct verity_proof proof;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_RING") ?: "", &keyring, NULL) ==
			0);
	ring.keyring = keyring;
	if (verity_proof_read(data, size, &ring, LATEST, &proof, NULL) < 0)
		return 0;
	require(strncmp(proof.name, "small", 5) == 0 ||
		strncmp(proof.name, "large", 5) == 0);
	require(proof.signed_at <= LATEST && proof.epoch == 0);
	return 0;
}
