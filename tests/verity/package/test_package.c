/* SPDX-License-Identifier: MIT */

/*
 * The two readers of a package, held to each other: what verity_package_open() says of a
 * file, verity_stream_feed() says of its bytes, for the same reason.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/check.h"
#include "tests/verity/ring.h"
#include "tests/verity/sample.h"
#include "verity/package/inspect.h"
#include "verity/package/package.h"
#include "verity/package/stream.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define DATA_BLOCKS 300 /* two tree levels */

/* What either reader says. */
struct outcome {
	enum verity_verdict verdict;
	bool accepted;
	struct verity_error reason;
};

/* What is wrong behind the front, which a inspection does not see. */
static bool is_behind(enum verity_code code)
{
	return code == VERITY_E_TREE_MISMATCH || code == VERITY_E_IMAGE_MISMATCH ||
	       code == VERITY_E_BAD_LENGTH;
}

/* A inspection says of the front what the whole reader says of it, and nothing of the
 * rest. */
static void check_peek(const char *path, const struct verity_policy *policy,
		       const struct outcome *outcome)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		NULL;
	struct verity_outlook outlook;
	struct verity_error err;

	if (verity_inspection_open(AT_FDCWD, path, &inspection, &err) < 0) {
		assert_int_equal(outcome->verdict, VERITY_INVALID);
		return;
	}
	assert_string_equal(verity_inspection_manifest(inspection)->version, "1.0");
	check_ok(verity_inspection_outlook(inspection, policy, &outlook, &err), &err);
	if (is_behind(outcome->reason.code))
		return;
	assert_int_equal(outlook.verdict, outcome->verdict);
	assert_int_equal(outlook.accepted, outcome->accepted);
	assert_int_equal(outlook.reason.code, outcome->reason.code);
	assert_string_equal(outlook.reason.message, outcome->reason.message);
}

static struct outcome open_outcome(const uint8_t *bytes, size_t size,
				   const struct verity_policy *policy)
{
	cleanup_with(verity_package_free_p) struct verity_package *package = NULL;
	const struct verity_judgement *judgement;
	struct verity_error err;
	struct outcome outcome = {0};
	char path[] = "/tmp/wmopkg-test-package.XXXXXX";
	cleanup_fd int fd = mkstemp(path);

	assert_true(fd >= 0);
	check_ok(verity_io_write(fd, bytes, size, 0, &err), &err);
	check_ok(verity_package_open(AT_FDCWD, path, policy, &package, &err), &err);
	judgement = verity_package_judgement(package);
	outcome.verdict = judgement->verdict;
	outcome.accepted = judgement->accepted;
	outcome.reason = judgement->reason;
	assert_int_equal(verity_package_verified(package) != NULL, outcome.accepted);
	check_peek(path, policy, &outcome);
	unlink(path);
	return outcome;
}

static int feed_all(struct verity_stream *stream, const uint8_t *bytes, size_t size,
		    size_t piece, struct verity_error *err)
{
	for (size_t i = 0; i < size; i += piece) {
		int r = verity_stream_feed(stream, bytes + i,
					   size - i < piece ? size - i : piece, err);
		if (r < 0)
			return r;
	}
	assert_null(verity_stream_verified(stream));
	return verity_stream_end(stream, err);
}

static struct outcome stream_outcome(const uint8_t *bytes, size_t size, size_t piece,
				     const struct verity_policy *policy)
{
	cleanup_fd int fd = memfd_create("incoming", MFD_CLOEXEC);
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	cleanup_free uint8_t *written = malloc(size + 1);
	struct outcome outcome = {0};
	struct verity_error err = {0};
	int r;

	check_ok(verity_stream_new(fd, policy, NULL, &stream, &err), &err);
	r = feed_all(stream, bytes, size, piece, &err);
	assert_non_null(verity_stream_judgement(stream));
	outcome.verdict = verity_stream_judgement(stream)->verdict;
	outcome.accepted = r == 0;
	assert_int_equal(verity_stream_verified(stream) != NULL, outcome.accepted);
	outcome.reason = verity_stream_judgement(stream)->reason;
	if (r < 0) {
		assert_string_equal(err.message, outcome.reason.message);
		/* After a failure it takes nothing more. */
		assert_int_equal(verity_stream_feed(stream, "x", 1, NULL), r);
	} else {
		check_ok(verity_io_read(fd, written, size, 0, &err), &err);
		assert_memory_equal(written, bytes, size);
		assert_int_equal(verity_verified_fd(verity_stream_verified(stream)), fd);
		/* Not what was verified any more. */
		assert_true(verity_stream_feed(stream, "x", 1, NULL) < 0);
		assert_null(verity_stream_verified(stream));
		assert_int_equal(lseek(fd, 0, SEEK_END), size);
	}
	return outcome;
}

static void check_both(const uint8_t *bytes, size_t size,
		       const struct verity_policy *policy, enum verity_verdict verdict,
		       bool accepted, enum verity_code code)
{
	static const size_t pieces[] = {1 << 20, 4096, 1000};
	struct outcome whole = open_outcome(bytes, size, policy);

	assert_string_equal(verity_verdict_name(whole.verdict),
			    verity_verdict_name(verdict));
	assert_string_equal(verity_code_name(whole.reason.code), verity_code_name(code));
	assert_int_equal(whole.accepted, accepted);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct outcome s = stream_outcome(bytes, size, pieces[i], policy);

		assert_string_equal(verity_verdict_name(s.verdict),
				    verity_verdict_name(verdict));
		assert_string_equal(verity_code_name(s.reason.code),
				    verity_code_name(code));
		assert_int_equal(s.accepted, accepted);
	}
}

static void test_verdicts(void **state)
{
	static const uint64_t sizes[] = {1, 2, 128, 129, DATA_BLOCKS};
	const struct verity_policy policy = {.keyring = keyring};
	const struct verity_policy nobody = {0};
	const struct verity_policy allow = {.allow_untrusted = true};

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct sample s = sample_make(&keys, sizes[i], true),
			      u = sample_make(&keys, sizes[i], false);

		check_both(s.bytes, s.size, &policy, VERITY_SIGNED, true, VERITY_OK);
		check_both(s.bytes, s.size, &nobody, VERITY_UNTRUSTED, false,
			   VERITY_E_UNTRUSTED_SIGNER);
		check_both(s.bytes, s.size, &allow, VERITY_UNTRUSTED, true,
			   VERITY_E_UNTRUSTED_SIGNER);
		check_both(u.bytes, u.size, &policy, VERITY_UNSIGNED, false,
			   VERITY_E_NO_SIGNATURE);
		check_both(u.bytes, u.size, &allow, VERITY_UNSIGNED, true,
			   VERITY_E_NO_SIGNATURE);
		free(s.bytes);
		free(u.bytes);
	}
}

static void check_flip(struct sample *s, const struct verity_policy *policy,
		       uint64_t place, enum verity_code code)
{
	s->bytes[place] ^= 1;
	check_both(s->bytes, s->size, policy, VERITY_INVALID, false, code);
	s->bytes[place] ^= 1;
}

/* What does not match is Invalid, and Allow Untrusted changes nothing about it. */
static void test_flipped_bits(void **state)
{
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	const struct verity_layout *l = &s.layout;

	(void)state;
	for (int allow = 0; allow < 2; allow++) {
		const struct verity_policy policy = {.keyring = keyring,
						     .allow_untrusted = allow};

		check_flip(&s, &policy, 0, VERITY_E_BAD_MAGIC);
		check_flip(&s, &policy, 10, VERITY_E_BAD_SIZES);
		check_flip(&s, &policy, 14, VERITY_E_BAD_SIZES);
		check_flip(&s, &policy, 8,
			   VERITY_E_BAD_SIGNATURE); /* manifest one longer */
		check_flip(&s, &policy, 12, VERITY_E_BAD_SIGNATURE);
		check_flip(&s, &policy, l->manifest_start + 5, VERITY_E_BAD_SIGNATURE);
		check_flip(&s, &policy, l->signature_start, VERITY_E_BAD_SIGNATURE);
		check_flip(&s, &policy, l->padding_start - 1, VERITY_E_BAD_SIGNATURE);
		check_flip(&s, &policy, l->padding_start, VERITY_E_BAD_PADDING);
		check_flip(&s, &policy, l->tree_start - 1, VERITY_E_BAD_PADDING);
		check_flip(&s, &policy, l->tree_start, VERITY_E_TREE_MISMATCH);
		check_flip(&s, &policy, l->tree_start + VERITY_BLOCK,
			   VERITY_E_TREE_MISMATCH);
		check_flip(&s, &policy, l->image_start - 1, VERITY_E_TREE_MISMATCH);
		check_flip(&s, &policy, l->image_start, VERITY_E_IMAGE_MISMATCH);
		check_flip(&s, &policy, l->image_start + 100 * VERITY_BLOCK,
			   VERITY_E_IMAGE_MISMATCH);
		check_flip(&s, &policy, l->file_bytes - 1, VERITY_E_IMAGE_MISMATCH);
	}
	free(s.bytes);
}

/* What is refused for its signature costs a boot no more than its head. */
static void test_refuse_early(void **state)
{
	struct sample u = sample_make(&keys, 5, false);
	struct sample s = sample_make(&keys, 5, true);
	struct {
		const struct sample *sample;
		struct verity_policy policy;
		enum verity_verdict verdict;
		enum verity_code code;
	} cases[] = {
		{&u, {.refuse_early = true}, VERITY_UNSIGNED, VERITY_E_NO_SIGNATURE},
		{&s, {.refuse_early = true}, VERITY_UNTRUSTED, VERITY_E_UNTRUSTED_SIGNER},
		{&u,
		 {.refuse_early = true, .allow_untrusted = true},
		 VERITY_INVALID,
		 VERITY_E_IMAGE_MISMATCH},
		{&s,
		 {.refuse_early = true, .keyring = keyring},
		 VERITY_INVALID,
		 VERITY_E_IMAGE_MISMATCH},
		{&u, {0}, VERITY_INVALID, VERITY_E_IMAGE_MISMATCH},
	};

	(void)state;
	u.bytes[u.layout.image_start] ^= 1;
	s.bytes[s.layout.image_start] ^= 1;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome o = open_outcome(cases[i].sample->bytes,
						cases[i].sample->size, &cases[i].policy);

		assert_int_equal(o.verdict, cases[i].verdict);
		assert_int_equal(o.reason.code, cases[i].code);
		assert_false(o.accepted);
	}
	free(u.bytes);
	free(s.bytes);
}

static void test_lengths(void **state)
{
	const struct verity_policy policy = {.keyring = keyring};
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	const uint64_t cuts[] = {0,
				 1,
				 VERITY_HEAD_BYTES - 1,
				 VERITY_HEAD_BYTES,
				 s.layout.signature_start + 3,
				 s.layout.tree_start - 1,
				 s.layout.tree_start,
				 s.layout.tree_start + VERITY_BLOCK,
				 s.layout.image_start,
				 s.layout.image_start + 5000,
				 s.layout.file_bytes - 1};
	uint8_t *longer = calloc(1, s.size + VERITY_BLOCK);

	(void)state;
	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++)
		check_both(s.bytes, (size_t)cuts[i], &policy, VERITY_INVALID, false,
			   VERITY_E_BAD_LENGTH);
	memcpy(longer, s.bytes, s.size);
	check_both(longer, s.size + 1, &policy, VERITY_INVALID, false,
		   VERITY_E_BAD_LENGTH);
	check_both(longer, s.size + VERITY_BLOCK, &policy, VERITY_INVALID, false,
		   VERITY_E_BAD_LENGTH);
	free(longer);
	free(s.bytes);
}

static int refuse(void *context, const struct verity_judgement *judgement,
		  uint64_t file_bytes, struct verity_error *err)
{
	*(uint64_t *)context = file_bytes;
	assert_int_equal(judgement->verdict, VERITY_SIGNED);
	return verity_fail(err, VERITY_E_NO_ROOM, "no room");
}

/* The owner is asked before the first block is taken, and can say no. */
static void test_hook(void **state)
{
	const struct verity_policy policy = {.keyring = keyring};
	uint64_t file_bytes = 0;
	const struct verity_stream_hooks hooks = {refuse, &file_bytes};
	cleanup_with(verity_stream_free_p) struct verity_stream *stream = NULL;
	cleanup_fd int fd = memfd_create("incoming", MFD_CLOEXEC);
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	struct verity_error err;

	(void)state;
	check_ok(verity_stream_new(fd, &policy, &hooks, &stream, &err), &err);
	assert_int_equal(verity_stream_feed(stream, s.bytes, s.size, &err), -ENOSPC);
	check_error(&err, VERITY_E_NO_ROOM, "no room");
	assert_int_equal(file_bytes, s.size);
	assert_int_equal(lseek(fd, 0, SEEK_END), 0);
	/* It is no fault of the package. */
	assert_int_equal(verity_stream_judgement(stream)->verdict, VERITY_SIGNED);
	free(s.bytes);
}

/* A stream of @s that has taken what comes before the image. */
static struct verity_stream *stream_at_image(const struct sample *s, int fd,
					     const struct verity_policy *policy,
					     size_t *ret_start)
{
	struct verity_stream *stream;
	struct verity_error err;

	check_ok(verity_stream_new(fd, policy, NULL, &stream, &err), &err);
	*ret_start = s->size - DATA_BLOCKS * VERITY_BLOCK;
	check_ok(verity_stream_feed(stream, s->bytes, *ret_start, &err), &err);
	return stream;
}

static bool offer(struct verity_stream *stream, const uint8_t *blocks, size_t count)
{
	struct verity_error err;
	bool taken;

	check_ok(verity_stream_offer(stream, blocks, count, &taken, &err), &err);
	return taken;
}

/*
 * What is offered is taken if it is right, and changes nothing if not; pieces of any size
 * are fed before and after it.
 */
static void test_offer(void **state)
{
	const struct verity_policy policy = {.keyring = keyring};
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	cleanup_free uint8_t *others = calloc(DATA_BLOCKS, VERITY_BLOCK);
	cleanup_free uint8_t *written = malloc(s.size);
	struct verity_error err;
	size_t start;

	(void)state;
	for (size_t feed = 1; feed <= 64; feed++) {
		cleanup_fd int fd = memfd_create("incoming", MFD_CLOEXEC);
		cleanup_with(verity_stream_free_p) struct verity_stream *stream =
			stream_at_image(&s, fd, &policy, &start);
		size_t block = 0;

		while (block < DATA_BLOCKS) {
			const uint8_t *at = s.bytes + start + block * VERITY_BLOCK;
			size_t most = 16 - block % 16;
			size_t count = feed % 16 + 1 < most ? feed % 16 + 1 : most;

			if (count > DATA_BLOCKS - block)
				count = DATA_BLOCKS - block;
			memcpy(others, at, count * VERITY_BLOCK);
			others[count * VERITY_BLOCK - 1] ^= 1;
			assert_false(offer(stream, others, count));
			assert_true(offer(stream, at, count));
			block += count;
			count = feed < DATA_BLOCKS - block ? feed : DATA_BLOCKS - block;
			at = s.bytes + start + block * VERITY_BLOCK;
			check_ok(verity_stream_feed(stream, at, count * VERITY_BLOCK,
						    &err),
				 &err);
			block += count;
		}
		check_ok(verity_stream_end(stream, &err), &err);
		assert_non_null(verity_stream_verified(stream));
		check_ok(verity_io_read(fd, written, s.size, 0, &err), &err);
		assert_memory_equal(written, s.bytes, s.size);
		assert_int_equal(lseek(fd, 0, SEEK_END), s.size);
	}
	free(s.bytes);
}

/* Only what is fed can condemn a package, and it does, whatever is offered then. */
static void test_offer_refused(void **state)
{
	const struct verity_policy policy = {.keyring = keyring};
	struct sample s = sample_make(&keys, DATA_BLOCKS, true);
	struct verity_error err;
	bool taken = false;
	size_t start;

	(void)state;
	for (int i = 0; i < 4; i++) {
		cleanup_fd int fd = memfd_create("incoming", MFD_CLOEXEC);
		cleanup_with(verity_stream_free_p) struct verity_stream *stream =
			stream_at_image(&s, fd, &policy, &start);
		const uint8_t *image = s.bytes + start;
		size_t fed = i == 1 ? 1 : i == 2 ? VERITY_BLOCK : 0;
		size_t count = i == 0 ? 129 : i == 3 ? 2 : 1;

		s.bytes[start] ^= i == 2;
		check_ok(verity_stream_feed(stream, image, fed, &err), &err);
		s.bytes[start] ^= i == 2;
		if (i == 3)
			check_ok(verity_stream_feed(stream, image,
						    (DATA_BLOCKS - 1) * VERITY_BLOCK,
						    &err),
				 &err);
		if (i == 2) {
			assert_int_equal(verity_stream_offer(stream, image + fed, count,
							     &taken, &err),
					 -EBADMSG);
			assert_int_equal(err.code, VERITY_E_IMAGE_MISMATCH);
			assert_non_null(strstr(err.message, "block 0 of 300"));
			assert_int_equal(verity_stream_judgement(stream)->verdict,
					 VERITY_INVALID);
		} else {
			assert_int_equal(verity_stream_offer(stream, image + fed, count,
							     &taken, &err),
					 -EINVAL);
			check_error(&err, VERITY_E_USAGE, "no place for these blocks");
			assert_int_equal(verity_stream_judgement(stream)->verdict,
					 VERITY_SIGNED);
		}
		assert_false(taken);
	}
	free(s.bytes);
}

static void check_open_fails(const char *path, int result, enum verity_code code,
			     const char *message)
{
	const struct verity_policy policy = {0};
	struct verity_package *package = NULL;
	struct verity_error err;

	assert_int_equal(verity_package_open(AT_FDCWD, path, &policy, &package, &err),
			 result);
	check_error(&err, code, message);
	assert_null(package);
}

static void test_not_a_file(void **state)
{
	const struct verity_policy policy = {0};
	struct verity_package *package = NULL;
	struct verity_error err;
	char path[128], link_path[128];
	cleanup_fd int folder = open(keys.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	check_open_fails("/nonexistent", -ENOENT, VERITY_E_NOT_FOUND,
			 "cannot be opened: No such file or directory");
	check_open_fails("/tmp", -EINVAL, VERITY_E_NOT_A_FILE, "a folder, not a file");
	check_open_fails("/dev/null", -EINVAL, VERITY_E_NOT_A_FILE,
			 "a device or pipe, not a file");
	keys_path(&keys, "fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	check_open_fails(path, -EINVAL, VERITY_E_NOT_A_FILE,
			 "a device or pipe, not a file");
	unlink(path);

	/* In a store, a link is nobody's package. */
	keys_path(&keys, "link", link_path);
	assert_int_equal(symlink("signer.pem", link_path), 0);
	assert_int_equal(verity_package_open(folder, "link", &policy, &package, &err),
			 -EINVAL);
	check_error(&err, VERITY_E_NOT_A_FILE, "a link, not a file");
	unlink(link_path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts), cmocka_unit_test(test_flipped_bits),
		cmocka_unit_test(test_lengths),  cmocka_unit_test(test_refuse_early),
		cmocka_unit_test(test_hook),     cmocka_unit_test(test_not_a_file),
		cmocka_unit_test(test_offer),    cmocka_unit_test(test_offer_refused),
	};

	return cmocka_run_group_tests(tests, ring_setup, ring_teardown);
}
