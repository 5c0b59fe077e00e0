/* SPDX-License-Identifier: MIT */

/* Several blocks at a time, held to OpenSSL, which the portable way uses. */

#include <openssl/sha.h>

#include "tests/check.h"
#include "verity/hashtree/hash.h"
#include "verity/hashtree/sha256_lanes.h"
#include "verity/util/cleanup.h"
#include "verity/util/hex.h"

#define BLOCKS 11 /* twice four, a pair and one left over */

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

static void test_every_salt_length(void **state)
{
	uint8_t salt[VERITY_SALT_MAX];

	(void)state;
	fill(salt, sizeof(salt), 7);
	for (size_t length = 0; length <= sizeof(salt); length++) {
		cleanup_with(verity_hasher_free_p) struct verity_hasher *ours = NULL;
		cleanup_with(verity_hasher_free_p) struct verity_hasher *theirs = NULL;
		uint8_t a[BLOCKS][VERITY_DIGEST_BYTES], b[BLOCKS][VERITY_DIGEST_BYTES];
		struct verity_error err;

		fill(blocks, sizeof(blocks), (uint32_t)length);
		check_ok(verity_hasher_new(salt, length, &ours, &err), &err);
		check_ok(verity_hasher_new(salt, length, &theirs, &err), &err);
		verity_hasher_portable(theirs);
		for (size_t count = 0; count <= BLOCKS; count++) {
			memset(a, 0, sizeof(a));
			memset(b, 0, sizeof(b));
			check_ok(verity_hasher_blocks(ours, blocks, count, a, &err),
				 &err);
			check_ok(verity_hasher_blocks(theirs, blocks, count, b, &err),
				 &err);
			assert_memory_equal(a, b, sizeof(a));
		}
	}
}

/* Blocks need not be aligned to anything. */
static void test_unaligned(void **state)
{
	(void)state;
	fill(blocks, sizeof(blocks), 3);
	for (size_t shift = 0; shift < 17; shift++) {
		cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
		uint8_t digests[4][VERITY_DIGEST_BYTES], wanted[VERITY_DIGEST_BYTES];
		struct verity_error err;

		check_ok(verity_hasher_new(blocks, 0, &hasher, &err), &err);
		check_ok(verity_hasher_blocks(hasher, blocks + shift, 4, digests, &err),
			 &err);
		for (size_t i = 0; i < 4; i++) {
			SHA256(blocks + shift + i * VERITY_BLOCK, VERITY_BLOCK, wanted);
			assert_memory_equal(digests[i], wanted, sizeof(wanted));
		}
	}
}

/* Four lanes and two are the same, whatever number of chunks they take at a time. */
static void test_lanes(void **state)
{
	unsigned most = verity_sha256_lanes();

	(void)state;
	fill(blocks, sizeof(blocks), 5);
	for (size_t chunks = 0; most && chunks < 5; chunks++) {
		struct verity_sha256_state states[SHA256_LANES_MAX];
		const uint8_t *messages[SHA256_LANES_MAX];

		for (size_t i = 0; i < most; i++) {
			states[i] = verity_sha256_start();
			messages[i] = blocks + i * 1000;
		}
		verity_sha256_lanes_take(states, messages, most, chunks);
		for (size_t i = 0; i < most; i++) {
			struct verity_sha256_state twice[2] = {verity_sha256_start(),
							       verity_sha256_start()};
			const uint8_t *next[2] = {messages[i], messages[i]};

			for (size_t taken = 0; taken < chunks; taken++) {
				verity_sha256_lanes_take(twice, next, 2, 1);
				next[0] = next[1] += SHA256_CHUNK_BYTES;
			}
			assert_memory_equal(&twice[0], &states[i], sizeof(*twice));
			assert_memory_equal(&twice[1], &states[i], sizeof(*twice));
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
		cmocka_unit_test(test_lanes),
		cmocka_unit_test(test_salt_too_long),
	};

	/* So that a log shows which way was held to which. */
	print_message("lanes: %u\n", verity_sha256_lanes());
	return cmocka_run_group_tests(tests, NULL, NULL);
}
