/* SPDX-License-Identifier: MIT */

/*
 * A whole package, through both readers: they must agree to the last word. Once without a
 * key ring, and once with the one that the signed packages of the corpus were made for:
 * its key was thrown away, so nothing but their manifests is ever Signed.
 */

#include "tests/fuzz/judged.h"
#include "tests/fuzz/mutate.h"

#include <string.h>

#include "verity/util/hex.h"

#define HEAD       16 /* magic, bytes of manifest and signature */
#define SIGNED_MAX 8

/* A package of the corpus is signed: its bytes are all there is to compare with. */
static bool is_of_the_corpus(const struct verity_judgement *judgement)
{
	static char ids[SIGNED_MAX * 65 + 1];
	char id[2 * sizeof(judgement->id) + 1], path[512];
	FILE *file;

	if (!ids[0]) {
		snprintf(path, sizeof(path), "%s/ids", getenv("FUZZ_RING") ?: ".");
		file = fopen(path, "re");
		require(file && fread(ids, 1, sizeof(ids) - 1, file) > 0);
		fclose(file);
	}
	verity_hex_encode(judgement->id, sizeof(judgement->id), id);
	return strstr(ids, id) != NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct verity_policy any = {.allow_untrusted = true, .threads = 1};
	static struct verity_policy ring = {.threads = 1},
				    lazy = {.threads = 1, .lazy = true};
	static struct verity_keyring *keyring;
	struct verity_package *package;
	const struct verity_judgement *judgement;
	enum verity_verdict verdict;

	if (!keyring)
		require(verity_keyring_load(getenv("FUZZ_RING") ?: "", &keyring, NULL) ==
			0);
	ring.keyring = lazy.keyring = keyring;
	(void)!judged_by_both(data, size, &any);
	package = judged_open(data, size, &lazy);
	judgement = verity_package_judgement(package);
	require(judgement->accepted == (judgement->verdict == VERITY_SIGNED));
	verdict = judged_by_both(data, size, &ring);
	require(verdict != VERITY_SIGNED || judgement->accepted);
	if (judgement->accepted)
		require(is_of_the_corpus(judgement));
	/* What was left for later is found then. */
	require(verity_package_read_image(package, 1, NULL) == 0);
	require(judgement->accepted == (verdict == VERITY_SIGNED));
	require((verity_package_verified(package) != NULL) == judgement->accepted);
	require((verity_package_layout(package) != NULL) ||
		judgement->verdict == VERITY_INVALID);
	verity_package_free(package);
	return 0;
}

/*
 * Most changes spare what is signed, so that all that comes after the signature is
 * reached; their length stays, which is checked before it.
 */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
	uint32_t manifest = 0, signature = 0;
	uint64_t start;
	size_t at, length;

	if (size >= HEAD) {
		memcpy(&manifest, data + 8, 4);
		memcpy(&signature, data + 12, 4);
	}
	start = ((uint64_t)HEAD + manifest + signature + 4095) / 4096 * 4096;
	if (seed % 4 == 0 || size < HEAD || start >= size)
		return LLVMFuzzerMutate(data, size, max);
	at = start + seed / 4 % (size - start);
	length = size - at < 64 ? size - at : 64;
	LLVMFuzzerMutate(data + at, length, length);
	return size;
}
