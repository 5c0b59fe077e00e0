/* SPDX-License-Identifier: MIT */

/*
 * What a lazy policy finds and what it leaves to dm-verity, held to a full one: damage in
 * each part of a package; and that it reads no more than it says.
 */

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/sample.h"
#include "verity/hashtree/tree.h"
#include "verity/package/package.h"
#include "verity/package/stream.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define DATA_BLOCKS 300 /* two tree levels: the root, and three leaves */

/* The file that @fd is, opened and judged: VERITY_OK or what is wrong with it. */
static void check_opened(int fd, const struct verity_policy *policy,
			 enum verity_code code, bool accepted)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	struct verity_error err;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_ok(verity_package_open(AT_FDCWD, path, policy, &package, &err), &err);
	judgement = verity_package_judgement(package);
	assert_string_equal(verity_code_name(judgement->reason.code),
			    verity_code_name(code));
	assert_int_equal(judgement->accepted, accepted);
	assert_int_equal(verity_package_verified(package) != NULL, accepted);
}

/* Opened lazily, and then the image is read: the same as all at once. */
static void check_read_later(int fd, const struct verity_policy *lazy,
			     enum verity_code code)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	struct verity_error err;
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	check_ok(verity_package_open(AT_FDCWD, path, lazy, &package, &err), &err);
	check_ok(verity_package_read_image(package, 1, &err), &err);
	judgement = verity_package_judgement(package);
	assert_string_equal(verity_code_name(judgement->reason.code),
			    verity_code_name(code));
	assert_int_equal(judgement->accepted, code == VERITY_OK);
	assert_int_equal(verity_package_verified(package) != NULL, code == VERITY_OK);
}

static void check_file(const uint8_t *bytes, size_t size, enum verity_code full,
		       enum verity_code lazy)
{
	struct verity_policy policy = {.keyring = keyring};
	cleanup_fd int fd = memfd_create("package", MFD_CLOEXEC);
	struct verity_error err;

	check_ok(verity_io_write(fd, bytes, size, 0, &err), &err);
	check_opened(fd, &policy, full, full == VERITY_OK);
	policy.lazy = true;
	check_opened(fd, &policy, lazy, lazy == VERITY_OK);
	check_read_later(fd, &policy, full);
}

static void test_sound(void **state)
{
	static const uint64_t sizes[] = {1, 2, 128, 129, DATA_BLOCKS};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sample s = sample_make(&keys, sizes[i], true);

		check_file(s.bytes, s.size, VERITY_OK, VERITY_OK);
		free(s.bytes);
	}
}

/* One byte, in each part. */
static void test_damage(void **state)
{
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	const struct verity_layout *l = &s.layout;
	const struct {
		uint64_t place;
		enum verity_code full, lazy;
	} cases[] = {
		{0, VERITY_E_BAD_MAGIC, VERITY_E_BAD_MAGIC},
		{10, VERITY_E_BAD_SIZES, VERITY_E_BAD_SIZES},
		{l->manifest_start + 5, VERITY_E_BAD_SIGNATURE, VERITY_E_BAD_SIGNATURE},
		{l->signature_start, VERITY_E_BAD_SIGNATURE, VERITY_E_BAD_SIGNATURE},
		{l->padding_start - 1, VERITY_E_BAD_SIGNATURE, VERITY_E_BAD_SIGNATURE},
		{l->padding_start, VERITY_E_BAD_PADDING, VERITY_E_BAD_PADDING},
		/* the root, also where it holds no digest */
		{l->tree_start, VERITY_E_TREE_MISMATCH, VERITY_E_TREE_MISMATCH},
		{l->tree_start + VERITY_BLOCK - 1, VERITY_E_TREE_MISMATCH,
		 VERITY_E_TREE_MISMATCH},
		/* the first leaf's hash block, the second's, the last's */
		{l->tree_start + VERITY_BLOCK, VERITY_E_TREE_MISMATCH,
		 VERITY_E_TREE_MISMATCH},
		{l->tree_start + UINT64_C(2) * VERITY_BLOCK - 1, VERITY_E_TREE_MISMATCH,
		 VERITY_E_TREE_MISMATCH},
		{l->tree_start + UINT64_C(2) * VERITY_BLOCK, VERITY_E_TREE_MISMATCH,
		 VERITY_OK},
		{l->image_start - 1, VERITY_E_TREE_MISMATCH, VERITY_OK},
		/* the first block of the image, the second, the last */
		{l->image_start, VERITY_E_IMAGE_MISMATCH, VERITY_E_IMAGE_MISMATCH},
		{l->image_start + VERITY_BLOCK - 1, VERITY_E_IMAGE_MISMATCH,
		 VERITY_E_IMAGE_MISMATCH},
		{l->image_start + VERITY_BLOCK, VERITY_E_IMAGE_MISMATCH, VERITY_OK},
		{l->file_bytes - 1, VERITY_E_IMAGE_MISMATCH, VERITY_OK},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s.bytes[cases[i].place] ^= 1;
		check_file(s.bytes, s.size, cases[i].full, cases[i].lazy);
		s.bytes[cases[i].place] ^= 1;
	}
	free(s.bytes);
}

/* Of an image of one block, all is read in either case. */
static void test_one_block(void **state)
{
	struct sample s = sample_make(&keys, 1, true);

	(void)state;
	for (uint64_t i = s.layout.image_start; i < s.layout.file_bytes; i += 65) {
		s.bytes[i] ^= 1;
		check_file(s.bytes, s.size, VERITY_E_IMAGE_MISMATCH,
			   VERITY_E_IMAGE_MISMATCH);
		s.bytes[i] ^= 1;
	}
	free(s.bytes);
}

static void test_lengths(void **state)
{
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	uint8_t *longer = calloc(1, s.size + VERITY_BLOCK);

	(void)state;
	assert_non_null(longer);
	memcpy(longer, s.bytes, s.size);
	check_file(longer, s.size - 1, VERITY_E_BAD_LENGTH, VERITY_E_BAD_LENGTH);
	check_file(longer, s.size - VERITY_BLOCK, VERITY_E_BAD_LENGTH,
		   VERITY_E_BAD_LENGTH);
	check_file(longer, s.size + 1, VERITY_E_BAD_LENGTH, VERITY_E_BAD_LENGTH);
	check_file(longer, s.size + VERITY_BLOCK, VERITY_E_BAD_LENGTH,
		   VERITY_E_BAD_LENGTH);
	free(longer);
	free(s.bytes);
}

/* It is about the image alone: who signed is asked as ever. */
static void test_signers(void **state)
{
	const struct verity_policy nobody = {.lazy = true};
	const struct verity_policy allow = {.lazy = true, .allow_untrusted = true};
	cleanup_fd int fd = memfd_create("package", MFD_CLOEXEC);
	struct sample u = sample_make(&keys, DATA_BLOCKS, false);
	struct verity_error err;

	(void)state;
	check_ok(verity_io_write(fd, u.bytes, u.size, 0, &err), &err);
	check_opened(fd, &nobody, VERITY_E_NO_SIGNATURE, false);
	check_opened(fd, &allow, VERITY_E_NO_SIGNATURE, true);
	u.bytes[u.layout.image_start] ^= 1;
	check_ok(verity_io_write(fd, u.bytes, u.size, 0, &err), &err);
	check_opened(fd, &allow, VERITY_E_IMAGE_MISMATCH, false);
	free(u.bytes);
}

/* What arrives is judged as a whole, whatever the policy says. */
static void test_stream(void **state)
{
	const struct verity_policy policy = {.keyring = keyring, .lazy = true};
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	cleanup_fd int fd = memfd_create("incoming", MFD_CLOEXEC);
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	struct verity_error err;

	(void)state;
	s.bytes[s.size - 1] ^= 1;
	check_ok(verity_stream_new(fd, &policy, NULL, &stream, &err), &err);
	assert_true(verity_stream_feed(stream, s.bytes, s.size, &err) < 0);
	assert_string_equal(verity_code_name(err.code),
			    verity_code_name(VERITY_E_IMAGE_MISMATCH));
	free(s.bytes);
}

/* Bytes that this process has read so far, whether from a disk or from memory. */
static uint64_t bytes_read(void)
{
	cleanup_fd int fd = open("/proc/self/io", O_RDONLY | O_CLOEXEC);
	char text[512];
	ssize_t n = read(fd, text, sizeof(text) - 1);
	uint64_t count = 0;

	assert_true(n > 0);
	text[n] = '\0';
	assert_int_equal(sscanf(text, "rchar: %" SCNu64, &count), 1);
	return count;
}

static uint64_t reading_of(int fd, const struct verity_policy *policy)
{
	uint64_t before = bytes_read();

	check_opened(fd, policy, VERITY_OK, true);
	return bytes_read() - before;
}

/*
 * Three levels: of 17,000 blocks one is read, of the tree the upper two levels and one
 * block of the lowest.
 */
static void test_reads(void **state)
{
	const struct verity_policy full = {.keyring = keyring};
	const struct verity_policy lazy = {.keyring = keyring, .lazy = true};
	const struct verity_geometry g = verity_geometry_compute(17000);
	cleanup_fd int fd = memfd_create("package", MFD_CLOEXEC);
	struct sample s = sample_make(&keys, g.data_blocks, true);
	/* Head, front, upper levels, a leaf, a block; then the two looks at the count. */
	uint64_t most = VERITY_HEAD_BYTES + s.layout.tree_start +
			(g.level_start[0] + 2) * VERITY_BLOCK + 2 * UINT64_C(512);
	struct verity_error err;

	(void)state;
	assert_int_equal(g.levels, 3);
	check_ok(verity_io_write(fd, s.bytes, s.size, 0, &err), &err);
	free(s.bytes);
	/* The image is not read: it is mapped. */
	assert_in_range(reading_of(fd, &full) + g.data_blocks * VERITY_BLOCK, s.size,
			s.size + most);
	assert_in_range(reading_of(fd, &lazy), most - 2 * UINT64_C(512), most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound),     cmocka_unit_test(test_damage),
		cmocka_unit_test(test_one_block), cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_signers),   cmocka_unit_test(test_stream),
		cmocka_unit_test(test_reads),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
