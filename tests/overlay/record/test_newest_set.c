/* SPDX-License-Identifier: MIT */
#include "overlay/record/newest_set.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "tests/verity/statements.h"
#include "verity/util/cleanup.h"

static struct keys keys;
static struct keys strangers;
static struct verity_keyring *ring;
static struct verity_policy policy;

/* A signed set, and its file. */
struct made {
	struct statement_file file;
	struct verity_signed_set *set;
};

static void made_free(struct made *made)
{
	free(made->file.bytes);
	verity_signed_set_free(made->set);
}

static struct made make(const struct keys *signer, unsigned number, const char *name)
{
	struct verity_keyring *theirs = statement_ring(signer);
	struct verity_error err;
	struct made made;
	char text[256];

	snprintf(text, sizeof(text),
		 "{\"type\":\"set\",\"format\":1,\"number\":%u,\"packages\":[{\"name\":"
		 "\"%s\",\"version\":\"1\"}]}",
		 number, name);
	made.file = statement_make(signer, text, "signer");
	check_ok(verity_signed_set_read(made.file.bytes, made.file.size, theirs, NULL,
					&made.set, &err),
		 &err);
	verity_keyring_free(theirs);
	return made;
}

static int keep(int record, const struct made *made)
{
	struct verity_error err;

	return overlay_newest_set_keep(record, &policy, made->set, made->file.bytes,
				       made->file.size, &err);
}

static int check(int record, const struct made *made)
{
	struct verity_error err = {.code = VERITY_OK};
	int r = overlay_newest_set_check(record, &policy, made->set, &err);

	assert_int_equal(err.code, r < 0 ? VERITY_E_OLD_SET : VERITY_OK);
	return r;
}

static int open_record(const char *folder)
{
	int fd;

	assert_int_equal(mkdir(folder, 0700), 0);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/*
 * The number is kept before the step. Power that fails before it is kept: the older set
 * is the newest. After it, and before the step: no older one is accepted, and the set
 * itself can be applied again, as often as it takes.
 */
static void test_cut_around_the_step(void **state)
{
	cleanup_with(made_free) struct made old = make(&keys, 3, "a");
	cleanup_with(made_free) struct made new = make(&keys, 4, "a");
	cleanup_fd int record = open_record("cut");

	(void)state;
	assert_int_equal(keep(record, &old), 0);
	/* checked, and not kept yet */
	assert_int_equal(check(record, &new), 0);
	assert_int_equal(check(record, &old), 0);
	assert_int_equal(keep(record, &new), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(check(record, &old), -EPERM);
		assert_int_equal(keep(record, &old), -EPERM);
		assert_int_equal(check(record, &new), 0);
		assert_int_equal(keep(record, &new), 0);
	}
}

/* Two sets with one number: which of them is meant is not known. */
static void test_one_number(void **state)
{
	cleanup_with(made_free) struct made set = make(&keys, 4, "a");
	cleanup_with(made_free) struct made twin = make(&keys, 4, "b");
	cleanup_fd int record = open_record("twin");

	(void)state;
	assert_int_equal(keep(record, &set), 0);
	assert_int_equal(check(record, &twin), -EPERM);
	assert_int_equal(keep(record, &twin), -EPERM);
	assert_int_equal(check(-1, &twin), 0);
	assert_int_equal(keep(-1, &twin), 0);
}

/* What others write to PERSIST keeps no set out. */
static void test_forged(void **state)
{
	cleanup_with(made_free) struct made set = make(&keys, 4, "a");
	cleanup_with(made_free) struct made forged = make(&strangers, 4294967295, "a");
	cleanup_fd int record = open_record("forged");
	static const char text[] = "{\"type\":\"set\",\"number\":4294967295}";
	const struct {
		const void *bytes;
		size_t size;
	} cases[] = {
		{forged.file.bytes, forged.file.size},
		{set.file.bytes, set.file.size - 1},
		{text, strlen(text)},
		{"", 0},
	};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_ok(overlay_record_replace(record, OVERLAY_RECORD_SET,
						cases[i].bytes, cases[i].size, &err),
			 &err);
		assert_int_equal(check(record, &set), 0);
	}
	assert_int_equal(keep(record, &set), 0);
	assert_int_equal(unlinkat(record, OVERLAY_RECORD_SET, 0), 0);
	assert_int_equal(mkdirat(record, OVERLAY_RECORD_SET, 0700), 0);
	assert_int_equal(keep(record, &set), 0);
	assert_int_equal(check(record, &set), 0);
}

/* A key of the vendor, but one for unlock statements. */
static void test_purpose(void **state)
{
	struct statement_file file = statement_make(
		&keys, "{\"type\":\"set\",\"format\":1,\"number\":9,\"packages\":[]}",
		"unlock");
	struct verity_signed_set *set = NULL;
	struct verity_error err;

	(void)state;
	assert_int_equal(
		verity_signed_set_read(file.bytes, file.size, ring, NULL, &set, &err),
		-EKEYREJECTED);
	assert_int_equal(err.code, VERITY_E_UNTRUSTED_SIGNER);
	assert_null(set);
	free(file.bytes);
}

static int enter(void **state)
{
	int r = scratch_enter(state);

	keys_make(&keys);
	keys_make(&strangers);
	policy.keyring = ring = statement_ring(&keys);
	return r;
}

static int leave(void **state)
{
	verity_keyring_free(ring);
	keys_delete(&keys);
	keys_delete(&strangers);
	return scratch_leave(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut_around_the_step),
		cmocka_unit_test(test_one_number),
		cmocka_unit_test(test_forged),
		cmocka_unit_test(test_purpose),
	};

	return cmocka_run_group_tests(tests, enter, leave);
}
