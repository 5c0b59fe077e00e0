/* SPDX-License-Identifier: MIT */

/* What somebody does to a log: each of it is found, and keeps no line from being added.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/overlay/record/audits.h"
#include "verity/util/cleanup.h"
#include "verity/util/sys.h"

#define LINES_MAX 256

/* Two files of lines, the older one with as many as go into it, the other one with 3. */
static uint64_t make_both(int record)
{
	struct overlay_audit_check check;
	struct verity_error err;
	size_t size = SIZE_MAX;

	while (size == SIZE_MAX) {
		audits_append(record, 1);
		free(audits_load(record, OVERLAY_AUDIT_OLD, &size));
	}
	audits_append(record, 2);
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	return check.last;
}

/* Adds to what is broken: it is set aside, and the first line says why. */
static void check_goes_on(int record, const struct verity_error *why)
{
	cleanup_free char *log = NULL;
	struct verity_error err;
	char wanted[2 * VERITY_MESSAGE_MAX];
	size_t size;

	check_ok(audits_append_one(record, NULL, &err), &err);
	log = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	assert_non_null(log);
	snprintf(wanted, sizeof(wanted),
		 "\"user\":\"tester\",\"event\":\"broken-log\",\"code\":\"audit\","
		 "\"message\":\"%s\",\"prev\"",
		 why->message);
	*strchr(log, '\n') = '\0';
	if (!strstr(log, wanted))
		fail_msg("%s does not say %s", log, wanted);
	if (overlay_audit_aside(record)) {
		assert_int_equal(audits_verify(record, &err), -EBADMSG);
		assert_non_null(strstr(err.message, "until that file is deleted"));
	} else {
		check_ok(audits_verify(record, &err), &err);
	}
}

/* Each byte of the three files, by one bit and by another; one in nine outside of ./check
 * long. */
static void test_every_byte(void **state)
{
	static const char *const names[] = {OVERLAY_AUDIT_OLD, OVERLAY_AUDIT_LOG,
					    OVERLAY_AUDIT_HEAD};
	const int record = *(int *)*state;
	uint64_t last = make_both(record);

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t size;
		cleanup_free char *text = audits_load(record, names[i], &size);

		for (size_t at = 0; at < size; at += check_step(9)) {
			struct verity_error err = {.code = VERITY_OK};
			char kept = text[at];
			int r;

			text[at] = (char)(kept ^ (at % 2 ? 0x01 : 0x20));
			audits_store(record, names[i], text, size);
			r = audits_verify(record, &err);
			text[at] = kept;
			if (r != -EBADMSG || err.code != VERITY_E_AUDIT)
				fail_msg("%s, byte %zu: %d", names[i], at, r);
			assert_memory_equal(err.message, "audit.", 6);
		}
		audits_store(record, names[i], text, size);
	}
	audits_check(record, 1, last);
}

/* The lines of a text, each with its newline; an end behind the last. */
static size_t split(char *text, char **ret)
{
	size_t count = 0;

	for (char *at = text; *at; at = strchr(at, '\n') + 1) {
		assert_true(count < LINES_MAX);
		ret[count++] = at;
	}
	ret[count] = text + strlen(text);
	return count;
}

static const struct {
	const char *order; /* of five lines; x: a changed one, f: a forged one, -: none */
	const char *message;
} moved[] = {
	{"1234", "audit.log, line 1: number 2, and 1 is the first that was kept: lines "
		 "were removed, or all of audit.log.1"},
	{"0234",
	 "audit.log, line 2: number 3 comes after 1: lines were removed or moved"},
	{"0124",
	 "audit.log, line 4: number 5 comes after 3: lines were removed or moved"},
	{"0123", "audit.log: it ends with number 4, and number 5 was written"},
	{"", "audit.log: it ends with number 0, and number 5 was written"},
	{"10234",
	 "audit.log, line 2: number 1 comes after 2: lines were removed or moved"},
	{"01324",
	 "audit.log, line 3: number 4 comes after 2: lines were removed or moved"},
	{"01243",
	 "audit.log, line 4: number 5 comes after 3: lines were removed or moved"},
	{"001234", "audit.log, line 2: number 1 comes after 1: lines were removed or "
		   "moved"},
	{"012344", "audit.log, line 6: number 5 comes after 5: lines were removed or "
		   "moved"},
	{"01234x", "audit.log, line 6: its digest does not match: it was changed"},
	{"01234-", "audit.log, line 6: it does not end with a digest"},
	{"0123-4", "audit.log, line 5: it does not end with a digest"},
	{"-01234", "audit.log, line 1: it does not end with a digest"},
	{"01234f", "audit.log, line 6: it does not belong to the line before: one of the "
		   "two was replaced"},
	{"0123f", "audit.log, line 5: it is not the line that was written"},
};

/* Like any other line of this log, by somebody who knows how. */
static void forge(const struct overlay_audit_link *after, char *ret)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_REMOVE};
	const struct overlay_audit_stamp stamp = {0, AUDITS_TIME, "forger"};
	struct overlay_audit_link link;
	struct verity_error err;

	check_ok(overlay_audit_line_encode(&entry, &stamp, after->number + 1, after, ret,
					   &link, &err),
		 &err);
}

/* One of the five, or what somebody else wrote. */
static void put_line(char which, char *const lines[static 6], bool at_end, char *ret)
{
	struct overlay_audit_link link;
	struct verity_error err;
	size_t size;

	switch (which) {
	case '-':
		strcpy(ret, "{}\n");
		return;
	case 'f':
		check_ok(overlay_audit_line_decode(lines[3],
						   (size_t)(lines[4] - lines[3]) - 1,
						   &link, &err),
			 &err);
		link.number += at_end;
		forge(&link, ret);
		return;
	case 'x':
		size = (size_t)(lines[5] - lines[4]);
		memcpy(ret, lines[4], size);
		ret[size] = '\0';
		*strstr(ret, "tester") = 'T';
		return;
	default:
		size = (size_t)(lines[which - '0' + 1] - lines[which - '0']);
		memcpy(ret, lines[which - '0'], size);
		ret[size] = '\0';
	}
}

static void put_lines(const char *order, char *const lines[static 6], char *ret)
{
	*ret = '\0';
	for (size_t i = 0; order[i]; i++)
		put_line(order[i], lines, i == 5, ret + strlen(ret));
}

static void test_lines(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL;
	struct audits_copy sound;
	char *lines[LINES_MAX + 1];
	size_t size;

	audits_append(record, 5);
	audits_save(record, &sound);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	assert_int_equal(split(text, lines), 5);
	for (size_t i = 0; i < sizeof(moved) / sizeof(moved[0]); i++) {
		char changed[8 * 1024];
		struct verity_error err;

		print_message("%s\n", moved[i].order);
		put_lines(moved[i].order, lines, changed);
		audits_restore(record, &sound);
		audits_store(record, OVERLAY_AUDIT_LOG, changed, strlen(changed));
		assert_int_equal(audits_verify(record, &err), -EBADMSG);
		check_error(&err, VERITY_E_AUDIT, moved[i].message);
		check_goes_on(record, &err);
	}
	audits_drop(&sound);
}

/* Any one line out of either file, twice, or in the place of the one after it. */
static void test_any_line(void **state)
{
	static const char *const names[] = {OVERLAY_AUDIT_OLD, OVERLAY_AUDIT_LOG};
	const int record = *(int *)*state;
	uint64_t last = make_both(record);

	for (size_t i = 0; i < 2; i++) {
		size_t size, count;
		cleanup_free char *text = audits_load(record, names[i], &size);
		cleanup_free char *changed = malloc(2 * size);
		char *lines[LINES_MAX + 1];

		assert_non_null(changed);
		count = split(text, lines);
		for (size_t line = 0; line < count; line++) {
			size_t before = (size_t)(lines[line] - text);
			size_t length = (size_t)(lines[line + 1] - lines[line]);
			struct verity_error err;

			memcpy(changed, text, before);
			memcpy(changed + before, lines[line + 1], size - before - length);
			audits_store(record, names[i], changed, size - length);
			assert_int_equal(audits_verify(record, &err), -EBADMSG);
			memcpy(changed, text, before + length);
			memcpy(changed + before + length, lines[line], size - before);
			audits_store(record, names[i], changed, size + length);
			assert_int_equal(audits_verify(record, &err), -EBADMSG);
			if (line + 1 == count)
				continue;
			memcpy(changed, text, size);
			memcpy(changed + before, lines[line + 1],
			       (size_t)(lines[line + 2] - lines[line + 1]));
			memcpy(changed + before + (lines[line + 2] - lines[line + 1]),
			       lines[line], length);
			audits_store(record, names[i], changed, size);
			assert_int_equal(audits_verify(record, &err), -EBADMSG);
		}
		audits_store(record, names[i], text, size);
	}
	audits_check(record, 1, last);
}

/* Cut off anywhere before the end of what was written. */
static void test_cut_off(void **state)
{
	static const char *const names[] = {OVERLAY_AUDIT_OLD, OVERLAY_AUDIT_LOG};
	const int record = *(int *)*state;

	make_both(record);
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		cleanup_free char *text = audits_load(record, names[i], &size);

		for (size_t end = 0; end < size; end += check_step(9)) {
			struct verity_error err;

			audits_store(record, names[i], text, end);
			assert_int_equal(audits_verify(record, &err), -EBADMSG);
			assert_int_equal(err.code, VERITY_E_AUDIT);
		}
		audits_store(record, names[i], text, size);
	}
}

static void remove_old(int record)
{
	unlinkat(record, OVERLAY_AUDIT_OLD, 0);
}

static void remove_log(int record)
{
	unlinkat(record, OVERLAY_AUDIT_LOG, 0);
}

static void remove_both(int record)
{
	remove_old(record);
	remove_log(record);
}

static void remove_head(int record)
{
	unlinkat(record, OVERLAY_AUDIT_HEAD, 0);
}

static void empty_head(int record)
{
	audits_store(record, OVERLAY_AUDIT_HEAD, "", 0);
}

static void rename_log(int record)
{
	assert_int_equal(renameat(record, OVERLAY_AUDIT_LOG, record, OVERLAY_AUDIT_OLD),
			 0);
}

static void exchange(int record)
{
	assert_int_equal(sys_renameat2(record, OVERLAY_AUDIT_LOG, record,
				       OVERLAY_AUDIT_OLD, RENAME_EXCHANGE),
			 0);
}

static void link_log(int record)
{
	assert_int_equal(renameat(record, OVERLAY_AUDIT_LOG, record,
				  OVERLAY_AUDIT_HEAD OVERLAY_AUDIT_ASIDE),
			 0);
	assert_int_equal(symlinkat(OVERLAY_AUDIT_HEAD OVERLAY_AUDIT_ASIDE, record,
				   OVERLAY_AUDIT_LOG),
			 0);
}

static void folder_log(int record)
{
	remove_log(record);
	assert_int_equal(mkdirat(record, OVERLAY_AUDIT_LOG, 0700), 0);
}

static void pipe_old(int record)
{
	remove_old(record);
	assert_int_equal(mkfifoat(record, OVERLAY_AUDIT_OLD, 0600), 0);
}

static void folder_head(int record)
{
	remove_head(record);
	assert_int_equal(mkdirat(record, OVERLAY_AUDIT_HEAD, 0700), 0);
}

static void link_head(int record)
{
	remove_head(record);
	assert_int_equal(symlinkat("/dev/null", record, OVERLAY_AUDIT_HEAD), 0);
}

/* With a check that is right: who does this knows how. */
static void high_head(int record)
{
	const struct overlay_audit_head head = {
		.boot = OVERLAY_AUDIT_NUMBER_MAX,
		.last = OVERLAY_AUDIT_NUMBER_MAX,
		.rings[OVERLAY_AUDIT_CHANGES] = {.first = 1,
						 .last = OVERLAY_AUDIT_NUMBER_MAX}};
	struct verity_error err;

	check_ok(overlay_audit_head_store(record, &head, &err), &err);
}

static const struct {
	const char *name;
	void (*change)(int record);
	const char *message;
} changes[] = {
	{"no older file", remove_old,
	 "audit.log, line 1: number 13, and 1 is the first that was kept: lines were "
	 "removed, or all of audit.log.1"},
	{"no newer file", remove_log, "audit.log: it is gone, and number 15 was written"},
	{"no file", remove_both, "audit.log: it is gone, and number 15 was written"},
	{"no head", remove_head, "audit.head: it is gone"},
	{"an empty head", empty_head, "audit.head: it was changed"},
	{"the newer file in the place of the older one", rename_log,
	 "audit.log.1, line 1: number 13, and 1 is the first that was kept: lines were "
	 "removed"},
	{"one in the place of the other", exchange,
	 "audit.log, line 1: number 1 comes after 15: lines were removed or moved"},
	{"a link", link_log, "audit.log, line 1: it is not a file of this log"},
	{"a folder", folder_log, "audit.log, line 1: it is not a file of this log"},
	{"a pipe", pipe_old, "audit.log.1, line 1: it is not a file of this log"},
	{"a folder for a head", folder_head, "audit.head: it was changed"},
	{"a link for a head", link_head, "audit.head: it was changed"},
	{"a head that leaves no numbers", high_head,
	 "audit.log: it ends with number 15, and number 999999999999999 was written"},
};

/* Nothing that is done to the files keeps a line from being added, twice in a row. */
static void test_files(void **state)
{
	const int record = *(int *)*state;
	struct audits_copy sound;

	assert_int_equal(make_both(record), 15);
	audits_save(record, &sound);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		struct verity_error err;

		print_message("%s\n", changes[i].name);
		audits_empty(record);
		audits_restore(record, &sound);
		for (int again = 0; again < 2; again++) {
			changes[i].change(record);
			assert_int_equal(audits_verify(record, &err), -EBADMSG);
			if (again == 0)
				check_error(&err, VERITY_E_AUDIT, changes[i].message);
			check_goes_on(record, &err);
			if (again == 0)
				audits_append(record, 50);
		}
	}
	audits_empty(record);
	audits_drop(&sound);
}

/* A copy of before: all of it, which nothing in it can show, or a part. */
static void test_older_copies(void **state)
{
	static const char *const parts[] = {OVERLAY_AUDIT_LOG, OVERLAY_AUDIT_HEAD};
	const int record = *(int *)*state;
	struct audits_copy new;

	for (size_t i = 0; i < 2; i++) {
		size_t size;
		cleanup_free char *old = NULL;
		struct verity_error err;

		audits_empty(record);
		audits_append(record, 5);
		old = audits_load(record, parts[i], &size);
		audits_append(record, 2);
		audits_save(record, &new);
		audits_store(record, parts[i], old, size);
		/* A log that is ahead of its head is what a power cut leaves. */
		assert_int_equal(audits_verify(record, &err), i == 0 ? -EBADMSG : 0);
		audits_drop(&new);
	}
}

/* What was there is kept as it was found; the numbers go on, the boots too. */
static void test_set_aside(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL, *aside = NULL, *log = NULL;
	struct overlay_audit *audit = audits_open(record);
	struct verity_error err;
	size_t size, aside_size;

	for (int i = 0; i < 3; i++)
		audits_boot(audit);
	overlay_audit_free(audit);
	text = audits_load(record, OVERLAY_AUDIT_BOOTED, &size);
	text[size / 2] = '#';
	audits_store(record, OVERLAY_AUDIT_BOOTED, text, size);
	remove_head(record);
	audits_append(record, 1);
	assert_int_equal(audits_verify(record, &err), -EBADMSG);
	check_error(
		&err, VERITY_E_AUDIT,
		"the log was damaged: the damaged file is kept as "
		"audit.boots.broken, and this is reported until that file is deleted");
	aside = audits_load(record, OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_ASIDE,
			    &aside_size);
	assert_int_equal(aside_size, size);
	assert_memory_equal(aside, text, size);
	log = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	assert_memory_equal(log, "{\"number\":2,\"boot\":1,", 21);
	unlinkat(record, OVERLAY_AUDIT_BOOTED OVERLAY_AUDIT_ASIDE, 0);
	audits_check(record, 2, 3);
	audits_append(record, 1);
	audits_check(record, 2, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, audits_set_up, audits_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_byte), TEST(test_lines), TEST(test_any_line),
		TEST(test_cut_off),    TEST(test_files), TEST(test_older_copies),
		TEST(test_set_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
