/* SPDX-License-Identifier: MIT */
/* The lines of a step that was cut off are written once. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/record/audit_step.h"
#include "overlay/record/record.h"
#include "tests/overlay/record/audits.h"
#include "verity/util/cleanup.h"

#define LINES 3
#define MANY  60

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static const struct overlay_entry brand = {.name = "brand"};
static const struct overlay_entry old = {.name = "old", .kind = OVERLAY_PERSISTENT};
static const struct verity_error reason = {.code = VERITY_E_NO_SIGNATURE,
					   .message = "it is \"not\" signed"};

/* With texts as the log has to change them: too long, and not printable. */
static void make(struct overlay_audit_entry ret[static LINES])
{
	static const uint8_t id[VERITY_DIGEST_BYTES] = {0xab, 0xcd};
	static char source[600];

	memset(source, 'x', sizeof(source) - 1);
	memcpy(source + OVERLAY_AUDIT_SOURCE_MAX - 1, "ü", strlen("ü"));
	ret[0] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_INSTALL,
					      .package = &brand,
					      .version = "2",
					      .verdict = "Unsigned",
					      .id = id,
					      .signer = "CN=Grün",
					      .source = source,
					      .detail = "a\nb",
					      .reason = &reason};
	ret[1] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_REMOVE,
					      .package = &old};
	ret[2] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_SET,
					      .detail = "not signed, 2 packages"};
}

static void keep(int record, uint8_t ret[static VERITY_DIGEST_BYTES])
{
	struct overlay_audit_entry entries[LINES];
	struct verity_error err;

	make(entries);
	check_ok(overlay_audit_step_keep(record, AUDITS_TIME, "tester", entries, LINES,
					 ret, &err),
		 &err);
}

/* The first @count lines of the step, as the program that made it writes them. */
static void write_some(int record, size_t count)
{
	struct overlay_audit_entry entries[LINES];
	struct verity_error err;

	make(entries);
	for (size_t i = 0; i < count; i++) {
		cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
			audits_open(record);

		check_ok(overlay_audit_append(audit, &entries[i], 1, &err), &err);
	}
}

static void finish(int record, const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	struct verity_error err;

	check_ok(overlay_audit_step_finish(record, 2 * AUDITS_BYTES, digest, &err), &err);
}

static bool is_kept(int record)
{
	return faccessat(record, OVERLAY_RECORD_AUDIT_STEP, F_OK, 0) == 0;
}

/* Wherever it was cut off, the log is the one that an uncut one leaves. */
static void test_cut_after_each_line(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *whole = NULL;
	uint8_t digest[VERITY_DIGEST_BYTES];
	size_t size;

	audits_append(record, 1);
	write_some(record, LINES);
	whole = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	for (size_t count = 0; count <= LINES; count++) {
		cleanup_free char *found = NULL;

		audits_empty(record);
		audits_append(record, 1);
		keep(record, digest);
		write_some(record, count);
		for (int again = 0; again < 2; again++) {
			finish(record, digest);
			assert_false(is_kept(record));
			audits_check(record, 1, 1 + LINES);
		}
		found = audits_load(record, OVERLAY_AUDIT_LOG, &size);
		assert_string_equal(found, whole);
	}
}

/* The same step again: what it logged before does not count. */
static void test_the_same_twice(void **state)
{
	const int record = *(int *)*state;
	uint8_t digest[VERITY_DIGEST_BYTES];

	for (uint64_t time = 1; time <= 3; time++) {
		keep(record, digest);
		write_some(record, time == 2 ? 1 : 0);
		finish(record, digest);
		audits_check(record, 1, time * LINES);
	}
}

/* A step of so many lines that its first ones made room for its last ones. */
static void test_more_than_the_log_takes(void **state)
{
	const int record = *(int *)*state;
	struct overlay_audit_entry entries[MANY];
	struct overlay_entry packages[MANY];
	struct overlay_audit_check check;
	struct verity_error err;
	uint8_t digest[VERITY_DIGEST_BYTES];

	for (size_t i = 0; i < MANY; i++) {
		packages[i] = (struct overlay_entry){.kind = OVERLAY_ORDINARY};
		snprintf(packages[i].name, sizeof(packages[i].name), "p%zu", i);
		entries[i] = (struct overlay_audit_entry){.event = OVERLAY_AUDIT_REMOVE,
							  .package = &packages[i]};
	}
	check_ok(overlay_audit_step_keep(record, AUDITS_TIME, "tester", entries, MANY,
					 digest, &err),
		 &err);
	for (size_t i = 0; i < MANY - 1; i++) {
		cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
			audits_open(record);

		check_ok(overlay_audit_append(audit, &entries[i], 1, &err), &err);
	}
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	assert_true(check.first > 1);
	finish(record, digest);
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	assert_int_equal(check.last, MANY);
}

/* Of another step, of a record that was changed, and without one. */
static void test_not_this_one(void **state)
{
	const int record = *(int *)*state;
	uint8_t digest[VERITY_DIGEST_BYTES], other[VERITY_DIGEST_BYTES] = {1};
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;

	keep(record, digest);
	finish(record, other);
	assert_true(is_kept(record));
	assert_int_equal(audits_verify(record, &err), -ENOENT);
	text = audits_load(record, OVERLAY_RECORD_AUDIT_STEP, &size);
	text[size / 2] = '~';
	check_ok(overlay_record_put(record, OVERLAY_RECORD_AUDIT_STEP, text, size, &err),
		 &err);
	finish(record, digest);
	assert_int_equal(audits_verify(record, &err), -ENOENT);
	check_ok(overlay_audit_step_forget(record, &err), &err);
	finish(record, digest);
	check_ok(overlay_audit_step_forget(record, &err), &err);
	assert_int_equal(audits_verify(record, &err), -ENOENT);
}

static void test_bad_records(void **state)
{
	static const char *const bad[] = {
		"",
		"{}",
		"[]",
		"{\"type\":\"audit-step\",\"format\":2,\"time\":0,\"after\":0,\"lines\":"
		"[]}",
		"{\"type\":\"audit-step\",\"format\":1,\"time\":-1,\"after\":0,"
		"\"lines\":[]}",
		"{\"type\":\"audit-step\",\"format\":1,\"time\":0,\"after\":0,\"lines\":"
		"[{\"event\":\"party\",\"persistent\":true}]}",
		"{\"type\":\"audit-step\",\"format\":1,\"time\":0,\"after\":0,\"lines\":"
		"[{\"event\":\"install\",\"package\":\"../a\",\"persistent\":true}]}",
		"{\"type\":\"audit-step\",\"format\":1,\"time\":0,\"after\":0,\"lines\":"
		"[{\"event\":\"install\",\"persistent\":true,\"id\":\"ab\"}]}",
	};
	struct overlay_audit_step step;
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(
			overlay_audit_step_decode(bad[i], strlen(bad[i]), &step, &err),
			-EBADMSG);
		assert_int_equal(err.code, VERITY_E_BAD_RECORD);
	}
}

static void test_too_many(void **state)
{
	const int record = *(int *)*state;
	cleanup_free struct overlay_audit_entry *entries =
		calloc(OVERLAY_AUDIT_STEP_MAX + 1, sizeof(*entries));
	uint8_t digest[VERITY_DIGEST_BYTES];
	struct verity_error err;

	for (size_t i = 0; i <= OVERLAY_AUDIT_STEP_MAX; i++)
		entries[i].event = OVERLAY_AUDIT_REMOVE;
	check_ok(overlay_audit_step_keep(record, 0, "tester", entries,
					 OVERLAY_AUDIT_STEP_MAX, digest, &err),
		 &err);
	assert_int_equal(overlay_audit_step_keep(record, 0, "tester", entries,
						 OVERLAY_AUDIT_STEP_MAX + 1, digest,
						 &err),
			 -E2BIG);
	assert_int_equal(err.code, VERITY_E_TOO_MANY);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, audits_set_up, audits_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_cut_after_each_line),
		TEST(test_the_same_twice),
		TEST(test_more_than_the_log_takes),
		TEST(test_not_this_one),
		TEST(test_bad_records),
		TEST(test_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
