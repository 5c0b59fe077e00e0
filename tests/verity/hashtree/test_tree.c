/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/check.h"
#include "verity/hashtree/tree.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

static void test_geometry(void **state)
{
	static const struct {
		uint64_t data;
		unsigned levels;
		uint64_t tree, leaves, leaf_start;
	} cases[] = {
		{1, 0, 0, 0, 0},
		{2, 1, 1, 1, 0},
		{128, 1, 1, 1, 0},
		{129, 2, 3, 2, 1},
		{16384, 2, 129, 128, 1},
		{16385, 3, 132, 129, 3},
		{VERITY_IMAGE_MAX / VERITY_BLOCK, 4, 131072 + 1024 + 8 + 1, 131072, 1033},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_geometry g = verity_geometry_compute(cases[i].data);

		assert_int_equal(g.levels, cases[i].levels);
		assert_int_equal(g.tree_blocks, cases[i].tree);
		assert_int_equal(g.level_blocks[0], cases[i].leaves);
		assert_int_equal(g.level_start[0], cases[i].leaf_start);
	}
}

/* A file with @data_blocks of pseudo-random data and room for the tree after them. */
static int make_image(uint64_t data_blocks, const struct verity_geometry *geometry)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	uint32_t x = 1;

	assert_true(fd >= 0);
	for (uint64_t i = 0; i < data_blocks; i++) {
		uint32_t block[VERITY_BLOCK / 4];

		for (size_t k = 0; k < VERITY_BLOCK / 4; k++)
			block[k] = x = x * 1664525u + 1013904223u;
		assert_int_equal(
			verity_io_write(fd, block, sizeof(block), i * VERITY_BLOCK, NULL),
			0);
	}
	assert_int_equal(ftruncate(fd, (off_t)((data_blocks + geometry->tree_blocks) *
					       VERITY_BLOCK)),
			 0);
	return fd;
}

static void flip(int fd, uint64_t place)
{
	uint8_t byte;

	assert_int_equal(verity_io_read(fd, &byte, 1, place, NULL), 0);
	byte ^= 1;
	assert_int_equal(verity_io_write(fd, &byte, 1, place, NULL), 0);
}

static const uint8_t salt[] = {1, 2, 3};

static void check_flip(const struct verity_blocks *blocks,
		       const struct verity_geometry *g, const struct verity_root *root,
		       uint64_t place, enum verity_code code, const char *message)
{
	struct verity_error err;

	flip(blocks->fd, place);
	for (unsigned threads = 1; threads < 4; threads++) {
		assert_int_equal(verity_tree_verify(blocks, g, root, threads, &err),
				 -EBADMSG);
		check_error(&err, code, message);
	}
	flip(blocks->fd, place);
	assert_int_equal(verity_tree_verify(blocks, g, root, 2, &err), 0);
}

static void test_build_and_verify(void **state)
{
	static const uint64_t sizes[] = {1, 2, 127, 128, 129, 300};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct verity_geometry g = verity_geometry_compute(sizes[i]);
		cleanup_fd int fd = make_image(sizes[i], &g);
		const struct verity_blocks blocks = {fd, sizes[i] * VERITY_BLOCK, 0};
		struct verity_root root = {.salt = salt, .salt_bytes = sizeof(salt)};
		uint8_t again[VERITY_DIGEST_BYTES];
		struct verity_error err;

		check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 1, root.hash,
					   &err),
			 &err);
		check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 5, again,
					   &err),
			 &err);
		assert_memory_equal(again, root.hash, sizeof(again));
		check_ok(verity_tree_verify(&blocks, &g, &root, 3, &err), &err);
	}
}

static void test_flipped_bits(void **state)
{
	struct verity_geometry g = verity_geometry_compute(300);
	cleanup_fd int fd = make_image(300, &g);
	const struct verity_blocks blocks = {fd, 300 * VERITY_BLOCK, 0};
	struct verity_root root = {.salt = salt, .salt_bytes = sizeof(salt)};
	const uint64_t tree = blocks.tree_start;
	struct verity_error err;

	(void)state;
	check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 2, root.hash, &err),
		 &err);
	check_flip(&blocks, &g, &root, 0, VERITY_E_IMAGE_MISMATCH,
		   "image: block 0 of 300, at byte 0 of the file, does not match");
	check_flip(&blocks, &g, &root, 150 * VERITY_BLOCK + 77, VERITY_E_IMAGE_MISMATCH,
		   "image: block 150 of 300, at byte 614400 of the file, does not match");
	check_flip(
		&blocks, &g, &root, 300 * VERITY_BLOCK - 1, VERITY_E_IMAGE_MISMATCH,
		"image: block 299 of 300, at byte 1224704 of the file, does not match");
	check_flip(
		&blocks, &g, &root, tree, VERITY_E_TREE_MISMATCH,
		"hash tree: block 0 of 1 of level 1, at byte 1228800 of the file, does not match");
	check_flip(
		&blocks, &g, &root, tree + VERITY_BLOCK, VERITY_E_TREE_MISMATCH,
		"hash tree: block 0 of 3 of level 0, at byte 1232896 of the file, does not match");
	/* The zeros after the last digest are covered too. */
	check_flip(
		&blocks, &g, &root, tree + 4 * VERITY_BLOCK - 1, VERITY_E_TREE_MISMATCH,
		"hash tree: block 2 of 3 of level 0, at byte 1241088 of the file, does not match");
}

/* So many leaves that one thread takes them in groups; the last group has one, of one. */
static void test_groups(void **state)
{
	const uint64_t count = 36 * VERITY_HASHES_PER_BLOCK + 1;
	struct verity_geometry g = verity_geometry_compute(count);
	cleanup_fd int fd = make_image(count, &g);
	const struct verity_blocks blocks = {fd, count * VERITY_BLOCK, 0};
	struct verity_root root = {.salt = salt, .salt_bytes = sizeof(salt)};
	const uint64_t leaves = blocks.tree_start + VERITY_BLOCK;
	struct verity_error err;

	(void)state;
	check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 2, root.hash, &err),
		 &err);
	check_flip(
		&blocks, &g, &root, 255 * VERITY_BLOCK, VERITY_E_IMAGE_MISMATCH,
		"image: block 255 of 4609, at byte 1044480 of the file, does not match");
	check_flip(
		&blocks, &g, &root, 4608 * VERITY_BLOCK, VERITY_E_IMAGE_MISMATCH,
		"image: block 4608 of 4609, at byte 18874368 of the file, does not match");
	check_flip(
		&blocks, &g, &root, leaves + 7 * VERITY_BLOCK, VERITY_E_TREE_MISMATCH,
		"hash tree: block 7 of 37 of level 0, at byte 18911232 of the file, does not match");
	check_flip(
		&blocks, &g, &root, leaves + 37 * VERITY_BLOCK - 1,
		VERITY_E_TREE_MISMATCH,
		"hash tree: block 36 of 37 of level 0, at byte 19030016 of the file, does not match");
}

static void test_file_ends(void **state)
{
	struct verity_geometry g = verity_geometry_compute(129);
	cleanup_fd int fd = make_image(129, &g);
	const struct verity_blocks blocks = {fd, 129 * VERITY_BLOCK, 0};
	struct verity_root root = {.salt = salt, .salt_bytes = sizeof(salt)};
	struct verity_error err;

	(void)state;
	check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 2, root.hash, &err),
		 &err);
	assert_int_equal(ftruncate(fd, 131 * VERITY_BLOCK), 0);
	assert_int_equal(verity_tree_verify(&blocks, &g, &root, 2, &err), -EIO);
	check_error(&err, VERITY_E_IO,
		    "the file ends at byte 536576: Input/output error");
}

struct cutter {
	int fd; /* borrowed */
	uint64_t short_bytes, bytes;
	atomic_bool done;
};

static void *cut_again_and_again(void *context)
{
	const struct cutter *cutter = context;

	while (!atomic_load(&cutter->done)) {
		(void)!ftruncate(cutter->fd, (off_t)cutter->short_bytes);
		(void)!ftruncate(cutter->fd, (off_t)cutter->bytes);
	}
	return NULL;
}

/* Another process writes the file anew: an error, whatever moment it is. */
static void test_file_is_cut_meanwhile(void **state)
{
	const uint64_t count = 12 * VERITY_HASHES_PER_BLOCK;
	struct verity_geometry g = verity_geometry_compute(count);
	cleanup_fd int fd = make_image(count, &g);
	const struct verity_blocks blocks = {fd, count * VERITY_BLOCK, 0};
	struct verity_root root = {.salt = salt, .salt_bytes = sizeof(salt)};
	struct cutter cutter = {fd, 7 * VERITY_LEAF_BYTES,
				(count + g.tree_blocks) * VERITY_BLOCK, false};
	struct verity_error err;
	pthread_t other;

	(void)state;
	check_ok(verity_tree_build(&blocks, &g, salt, sizeof(salt), 2, root.hash, &err),
		 &err);
	assert_int_equal(pthread_create(&other, NULL, cut_again_and_again, &cutter), 0);
	for (int i = 0; i < 200; i++) {
		int r = verity_tree_verify(&blocks, &g, &root, 2, &err);

		/* Until the first cut it is whole, and never again. */
		if (r < 0 && err.code != VERITY_E_IO)
			assert_int_equal(r, -EBADMSG);
	}
	atomic_store(&cutter.done, true);
	pthread_join(other, NULL);
	assert_true(verity_tree_verify(&blocks, &g, &root, 2, &err) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_geometry),
		cmocka_unit_test(test_build_and_verify),
		cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_file_ends),
		cmocka_unit_test(test_file_is_cut_meanwhile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
