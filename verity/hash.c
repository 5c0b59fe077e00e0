/* SPDX-License-Identifier: MIT */
#include "verity/hash.h"

#include <endian.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/sha256_pair.h"

/* The end of a message: what is left of the block, a one bit, zeros, its length in bits.
 */
#define TAIL_MAX (2 * SHA256_CHUNK_BYTES)

struct verity_hasher {
	EVP_MD *sha256; /* fetched once: a fetch costs more than hashing a block */
	EVP_MD_CTX *context;
	uint8_t salt[VERITY_SALT_MAX];
	size_t salt_bytes;

	bool pairs;
	struct verity_sha256_state salted; /* the whole chunks of the salt taken */
	size_t salt_left;                  /* bytes of the salt that are not in @salted */
};

void verity_hasher_free(struct verity_hasher *hasher)
{
	if (!hasher)
		return;
	EVP_MD_CTX_free(hasher->context);
	EVP_MD_free(hasher->sha256);
	free(hasher);
}

DEFINE_CLEANUP(struct verity_hasher, verity_hasher_free);

static void prepare_pairs(struct verity_hasher *hasher)
{
	struct verity_sha256_state states[2] = {verity_sha256_start(),
						verity_sha256_start()};
	const uint8_t *const salts[2] = {hasher->salt, hasher->salt};

	hasher->pairs = verity_sha256_pair_available();
	if (!hasher->pairs)
		return;
	verity_sha256_pair_take(states, salts, hasher->salt_bytes / SHA256_CHUNK_BYTES);
	hasher->salted = states[0];
	hasher->salt_left = hasher->salt_bytes % SHA256_CHUNK_BYTES;
}

int verity_hasher_new(const uint8_t *salt, size_t salt_bytes, struct verity_hasher **ret,
		      struct verity_error *err)
{
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher =
		calloc(1, sizeof(*hasher));

	if (!hasher)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (salt_bytes > sizeof(hasher->salt))
		return verity_fail(err, VERITY_E_BAD_MANIFEST, "the salt is too long");
	hasher->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	hasher->context = EVP_MD_CTX_new();
	if (!hasher->sha256 || !hasher->context)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "OpenSSL offers no SHA-256");
	memcpy(hasher->salt, salt, salt_bytes);
	hasher->salt_bytes = salt_bytes;
	prepare_pairs(hasher);
	*ret = steal_ptr(&hasher);
	return 0;
}

void verity_hasher_portable(struct verity_hasher *hasher)
{
	hasher->pairs = false;
}

static int hash_one(struct verity_hasher *hasher, const uint8_t *block, uint8_t *ret,
		    struct verity_error *err)
{
	if (EVP_DigestInit_ex2(hasher->context, hasher->sha256, NULL) != 1 ||
	    EVP_DigestUpdate(hasher->context, hasher->salt, hasher->salt_bytes) != 1 ||
	    EVP_DigestUpdate(hasher->context, block, VERITY_BLOCK) != 1 ||
	    EVP_DigestFinal_ex(hasher->context, ret, NULL) != 1)
		return verity_fail(err, VERITY_E_NO_MEMORY,
				   "OpenSSL could not hash a block");
	return 0;
}

/* Returns how many chunks the tail has. */
static size_t make_tail(const struct verity_hasher *hasher, const uint8_t *rest,
			size_t rest_bytes, uint8_t ret[static TAIL_MAX])
{
	uint64_t bits = htobe64((hasher->salt_bytes + VERITY_BLOCK) * 8);
	size_t size = rest_bytes + 1 + sizeof(bits) <= SHA256_CHUNK_BYTES
			      ? SHA256_CHUNK_BYTES
			      : TAIL_MAX;

	memset(ret, 0, TAIL_MAX);
	memcpy(ret, rest, rest_bytes);
	ret[rest_bytes] = 0x80;
	memcpy(ret + size - sizeof(bits), &bits, sizeof(bits));
	return size / SHA256_CHUNK_BYTES;
}

static void put_digest(const struct verity_sha256_state *state, uint8_t *ret)
{
	for (size_t i = 0; i < SHA256_STATE_WORDS; i++) {
		uint32_t word = htobe32(state->words[i]);

		memcpy(ret + i * sizeof(word), &word, sizeof(word));
	}
}

/*
 * Salt and block do not meet at the border of a chunk: the first chunk is put together of
 * the end of the salt and the start of the block, the others are taken where they lie.
 */
static void hash_pair(const struct verity_hasher *hasher, const uint8_t *blocks,
		      uint8_t (*ret)[VERITY_DIGEST_BYTES])
{
	struct verity_sha256_state states[2] = {hasher->salted, hasher->salted};
	const uint8_t *salt = hasher->salt + hasher->salt_bytes - hasher->salt_left;
	size_t first = hasher->salt_left ? SHA256_CHUNK_BYTES - hasher->salt_left : 0;
	size_t chunks = (VERITY_BLOCK - first) / SHA256_CHUNK_BYTES;
	size_t end = first + chunks * SHA256_CHUNK_BYTES;
	uint8_t border[2][SHA256_CHUNK_BYTES], tail[2][TAIL_MAX];
	const uint8_t *const borders[2] = {border[0], border[1]};
	const uint8_t *const middles[2] = {blocks + first, blocks + VERITY_BLOCK + first};
	const uint8_t *const tails[2] = {tail[0], tail[1]};
	size_t tail_chunks = 0;

	for (size_t i = 0; i < 2; i++) {
		const uint8_t *block = blocks + i * VERITY_BLOCK;

		memcpy(border[i], salt, hasher->salt_left);
		memcpy(border[i] + hasher->salt_left, block, first);
		tail_chunks = make_tail(hasher, block + end, VERITY_BLOCK - end, tail[i]);
	}
	verity_sha256_pair_take(states, borders, first ? 1 : 0);
	verity_sha256_pair_take(states, middles, chunks);
	verity_sha256_pair_take(states, tails, tail_chunks);
	put_digest(&states[0], ret[0]);
	put_digest(&states[1], ret[1]);
}

int verity_hasher_blocks(struct verity_hasher *hasher, const uint8_t *blocks,
			 size_t count, uint8_t (*ret)[VERITY_DIGEST_BYTES],
			 struct verity_error *err)
{
	size_t i = 0;

	for (; hasher->pairs && i + 2 <= count; i += 2)
		hash_pair(hasher, blocks + i * VERITY_BLOCK, ret + i);
	for (; i < count; i++) {
		int r = hash_one(hasher, blocks + i * VERITY_BLOCK, ret[i], err);

		if (r < 0)
			return r;
	}
	return 0;
}
