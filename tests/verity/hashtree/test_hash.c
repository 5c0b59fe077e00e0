/* SPDX-License-Identifier: MIT */

/* Several blocks at a time, each kind of instructions held to OpenSSL. */

#include <endian.h>
#include <openssl/sha.h>

#include "tests/check.h"
#include "verity/hashtree/hash.h"
#include "verity/hashtree/sha256_lanes.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

#define BLOCKS 15 /* eight, four, a pair and one left over */

static uint8_t blocks[BLOCKS * VERITY_BLOCK];

static void fill(uint8_t *bytes, size_t count, uint32_t x)
{
	for (size_t i = 0; i < count; i++) {
		x = x * 1664525u + 1013904223u;
		bytes[i] = (uint8_t)(x >> 24);
	}
}

/* Against a digest made elsewhere: of 32 zeros and a block of zeros. */
static void test_known(void **state)
{
	static const uint8_t zeros[2 * VERITY_BLOCK];
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	uint8_t digests[2][VERITY_DIGEST_BYTES];
	char text[2 * VERITY_DIGEST_BYTES + 1];
	struct verity_error err;

	(void)state;
	check_ok(verity_hasher_new(zeros, 32, &hasher, &err), &err);
	check_ok(verity_hasher_blocks(hasher, zeros, 2, digests, &err), &err);
	for (int i = 0; i < 2; i++) {
		verity_hex_encode(digests[i], VERITY_DIGEST_BYTES, text);
		assert_string_equal(
			text,
			"2e534ef0107d592d1706ac38ad58596b85ef3375d360a6d669f974792df5cb5a");
	}
}

/* The kinds that this processor has, then NULL: all of them as they are used. */
static size_t list_kinds(
	const struct verity_sha256_kind *ret[static SHA256_KINDS_MAX + 1])
{
	size_t count = 0;

	for (const struct verity_sha256_kind *kind = verity_sha256_kinds; kind->lanes;
	     kind++)
		if (kind->present())
			ret[count++] = kind;
	ret[count++] = NULL;
	return count;
}

static void check_kind(const struct verity_sha256_kind *kind, const uint8_t *from,
		       const uint8_t *salt, size_t salt_bytes, size_t count,
		       uint8_t wanted[BLOCKS][VERITY_DIGEST_BYTES])
{
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	uint8_t digests[BLOCKS + 1][VERITY_DIGEST_BYTES];
	struct verity_error err;

	memset(digests, 0x5a, sizeof(digests));
	check_ok(verity_hasher_new(salt, salt_bytes, &hasher, &err), &err);
	if (kind)
		verity_hasher_use(hasher, kind);
	check_ok(verity_hasher_blocks(hasher, from, count, digests, &err), &err);
	assert_memory_equal(digests, wanted, count * sizeof(digests[0]));
	assert_int_equal(digests[count][0], 0x5a);
}

static void test_every_salt_length(void **state)
{
	const struct verity_sha256_kind *kinds[SHA256_KINDS_MAX + 1];
	size_t kinds_count = list_kinds(kinds);
	uint8_t salt[VERITY_SALT_MAX];

	(void)state;
	fill(salt, sizeof(salt), 7);
	for (size_t length = 0; length <= sizeof(salt); length++) {
		cleanup_with(verity_hasher_free_p) struct verity_hasher *openssl = NULL;
		uint8_t wanted[BLOCKS][VERITY_DIGEST_BYTES];
		struct verity_error err;

		fill(blocks, sizeof(blocks), (uint32_t)length);
		check_ok(verity_hasher_new(salt, length, &openssl, &err), &err);
		verity_hasher_use(openssl, NULL);
		check_ok(verity_hasher_blocks(openssl, blocks, BLOCKS, wanted, &err),
			 &err);
		for (size_t i = 0; i < kinds_count; i++) {
			check_kind(kinds[i], blocks, salt, length, BLOCKS, wanted);
			check_kind(kinds[i], blocks, salt, length, length % BLOCKS,
				   wanted);
		}
	}
}

/* Blocks need not be aligned to anything. */
static void test_unaligned(void **state)
{
	const struct verity_sha256_kind *kinds[SHA256_KINDS_MAX + 1];
	size_t kinds_count = list_kinds(kinds);

	(void)state;
	fill(blocks, sizeof(blocks), 3);
	for (size_t shift = 0; shift < 17; shift++) {
		uint8_t wanted[BLOCKS][VERITY_DIGEST_BYTES];

		for (size_t i = 0; i < BLOCKS - 1; i++)
			SHA256(blocks + shift + i * VERITY_BLOCK, VERITY_BLOCK,
			       wanted[i]);
		for (size_t i = 0; i < kinds_count; i++)
			check_kind(kinds[i], blocks + shift, blocks, 0, BLOCKS - 1,
				   wanted);
	}
}

/* A message with its padding: how many chunks that is. */
static size_t pad(uint8_t *message, size_t size)
{
	size_t chunks = (size + 1 + 8 + SHA256_CHUNK_BYTES - 1) / SHA256_CHUNK_BYTES;
	uint64_t bits = htobe64(size * 8);

	memset(message + size, 0, chunks * SHA256_CHUNK_BYTES - size);
	message[size] = 0x80;
	memcpy(message + chunks * SHA256_CHUNK_BYTES - 8, &bits, 8);
	return chunks;
}

/* Messages of any length, by OpenSSL as they are, here in chunks. */
static void test_lengths(void **state)
{
	static uint8_t messages[SHA256_LANES_MAX][2048 + 2 * SHA256_CHUNK_BYTES];
	const struct verity_sha256_kind *kinds[SHA256_KINDS_MAX + 1];
	size_t kinds_count = list_kinds(kinds);
	size_t step = check_step(37);

	(void)state;
	for (size_t size = 0; size <= 2048; size += size < 200 ? 1 : step) {
		uint8_t wanted[SHA256_LANES_MAX][VERITY_DIGEST_BYTES];
		const uint8_t *starts[SHA256_LANES_MAX];
		size_t chunks = 0;

		for (uint32_t i = 0; i < SHA256_LANES_MAX; i++) {
			fill(messages[i], size, (uint32_t)size * 8 + i);
			SHA256(messages[i], size, wanted[i]);
			chunks = pad(messages[i], size);
			starts[i] = messages[i];
		}
		for (size_t k = 0; kinds[k] && k < kinds_count; k++) {
			struct verity_sha256_state states[SHA256_LANES_MAX];

			for (unsigned i = 0; i < kinds[k]->lanes; i++)
				states[i] = verity_sha256_start();
			kinds[k]->take(states, starts, chunks);
			for (unsigned i = 0; i < kinds[k]->lanes * 8; i++) {
				uint32_t word = htobe32(states[i / 8].words[i % 8]);

				assert_memory_equal(&word, wanted[i / 8] + 4 * (i % 8),
						    4);
			}
		}
	}
}

static void test_salt_too_long(void **state)
{
	struct verity_hasher *hasher = NULL;
	struct verity_error err;

	(void)state;
	assert_true(verity_hasher_new(blocks, VERITY_SALT_MAX + 1, &hasher, &err) < 0);
	check_error(&err, VERITY_E_BAD_MANIFEST, "the salt is too long");
	assert_null(hasher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_every_salt_length),
		cmocka_unit_test(test_unaligned),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_salt_too_long),
	};

	/* So that a log shows what was held to OpenSSL. */
	for (const struct verity_sha256_kind *kind = verity_sha256_kinds; kind->lanes;
	     kind++)
		print_message("%s: %u lanes%s\n", kind->name, kind->lanes,
			      kind->present() ? "" : ": not on this processor");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
