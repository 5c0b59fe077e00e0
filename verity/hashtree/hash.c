/* SPDX-License-Identifier: MIT */

/* Hashing blocks, in lanes where the processor has them, else with OpenSSL. */

#include "verity/hashtree/hash.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/hashtree/hash_lanes.h"
#include "verity/util/cleanup.h"

struct verity_hasher {
	EVP_MD *sha256; /* fetched once: a fetch costs more than hashing a block */
	EVP_MD_CTX *context;
	uint8_t salt[VERITY_SALT_MAX];
	size_t salt_bytes;

	/* What this processor has; ends with NULL. What remains is OpenSSL's. */
	const struct verity_sha256_kind *kinds[SHA256_KINDS_MAX + 1];
	struct verity_hash_lanes hash;
};

void verity_hasher_free(struct verity_hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->context);
	EVP_MD_free(hasher->sha256);
	free(hasher);
}

int verity_hasher_new(const uint8_t *salt, size_t salt_bytes, struct verity_hasher **ret,
		      struct verity_error *err)
{
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher =
		calloc(1, sizeof(*hasher));
	size_t kinds = 0;

	if (!hasher)
		return verity_no_memory(err);
	if (salt_bytes > sizeof(hasher->salt))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "the salt is too long");
	hasher->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	hasher->context = EVP_MD_CTX_new();
	if (!hasher->sha256 || !hasher->context)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "OpenSSL offers no SHA-256");
	memcpy(hasher->salt, salt, salt_bytes);
	hasher->salt_bytes = salt_bytes;
	for (const struct verity_sha256_kind *kind = verity_sha256_kinds; kind->lanes;
	     kind++)
		if (kind->present())
			hasher->kinds[kinds++] = kind;
	if (kinds)
		hasher->hash = verity_hash_lanes_begin(hasher->kinds[0], hasher->salt,
						       salt_bytes);
	*ret = steal_ptr(&hasher);
	return 0;
}

int verity_hash_begin(void *context, void *worker, struct verity_error *err)
{
	const struct verity_salt *salt = context;

	return verity_hasher_new(salt->bytes, salt->count, worker, err);
}

void verity_hash_end(void *worker)
{
	verity_hasher_free(*(struct verity_hasher **)worker);
}

void verity_hasher_use(struct verity_hasher *hasher,
		       const struct verity_sha256_kind *kind)
{
	hasher->kinds[0] = kind;
	hasher->kinds[1] = NULL;
}

int verity_hasher_blocks(struct verity_hasher *hasher, const uint8_t *blocks,
			 size_t count, uint8_t (*ret)[VERITY_DIGEST_BYTES],
			 struct verity_error *err)
{
	size_t i = 0;

	for (const struct verity_sha256_kind **kind = hasher->kinds; *kind; kind++)
		for (; count - i >= (*kind)->lanes; i += (*kind)->lanes)
			verity_hash_lanes_blocks(&hasher->hash, *kind,
						 blocks + i * VERITY_BLOCK, ret + i);
	for (; i < count; i++)
		if (EVP_DigestInit_ex2(hasher->context, hasher->sha256, NULL) != 1 ||
		    EVP_DigestUpdate(hasher->context, hasher->salt, hasher->salt_bytes) !=
			    1 ||
		    EVP_DigestUpdate(hasher->context, blocks + i * VERITY_BLOCK,
				     VERITY_BLOCK) != 1 ||
		    EVP_DigestFinal_ex(hasher->context, ret[i], NULL) != 1)
			return verity_fail(err, VERITY_E_NO_MEMORY,
					   "OpenSSL could not hash a block");
	return 0;
}
