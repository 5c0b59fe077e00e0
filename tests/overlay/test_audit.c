/* SPDX-License-Identifier: MIT */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/audit_private.h"
#include "overlay/record.h"
#include "tests/check.h"
#include "verity/cleanup.h"
#include "verity/io.h"

#define MAX_BYTES OVERLAY_AUDIT_BYTES_MIN

static char folder[64];
static int record = -1;

static const char *const files[] = {
	OVERLAY_AUDIT_LOG,
	OVERLAY_AUDIT_OLD,
	OVERLAY_AUDIT_HEAD,
	OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE,
	OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE,
};

static int setup(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/wmopkg-audit.XXXXXX");
	assert_non_null(mkdtemp(folder));
	record = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(record >= 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(record, files[i], 0);
	close(record);
	assert_int_equal(rmdir(folder), 0);
	return 0;
}

static struct overlay_audit *audit_open(void)
{
	struct overlay_audit *audit;
	struct verity_error err;

	check_ok(
		overlay_audit_open(record, MAX_BYTES, 1700000000, "tester", &audit, &err),
		&err);
	return audit;
}

static void append(size_t count)
{
	struct overlay_audit *audit = audit_open();
	const struct overlay_entry package = {.name = "pkgname",
					      .kind = OVERLAY_PERSISTENT};
	struct verity_error err;

	for (size_t i = 0; i < count; i++) {
		const struct overlay_audit_entry entry = {
			.event = OVERLAY_AUDIT_INSTALL,
			.package = &package,
			.version = "1.0",
			.verdict = "Signed",
			.source = "http://192.0.2.1/pkgname.wmopkg"};

		check_ok(overlay_audit_append(audit, &entry, 1, &err), &err);
	}
	overlay_audit_free(audit);
}

static int verify(struct verity_error *err)
{
	struct overlay_audit_check check;

	return overlay_audit_verify(record, &check, err);
}

static void check_whole(uint64_t first, uint64_t last)
{
	struct overlay_audit_check check;
	struct verity_error err;

	check_ok(overlay_audit_verify(record, &check, &err), &err);
	assert_int_equal(check.first, first);
	assert_int_equal(check.last, last);
	assert_int_equal(check.lines, last - first + 1);
}

static char *load(const char *name, size_t *ret_size)
{
	struct verity_error err;
	char *text;

	check_ok(verity_io_load(record, name, 1 << 20, &text, ret_size, &err), &err);
	return text;
}

static void store(const char *name, const char *bytes, size_t size)
{
	int fd = openat(record, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void test_chain(void **state)
{
	static const char end[] = "\"prev\":\"000000000000000000000000000000000000000000"
				  "0000000000000000000000\",\"digest\":\"";
	struct overlay_audit *audit = audit_open();
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;

	(void)state;
	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	assert_int_equal(overlay_audit_boot(audit), 1);
	overlay_audit_free(audit);
	append(2);
	check_whole(1, 3);
	text = load(OVERLAY_AUDIT_LOG, &size);
	assert_non_null(strstr(text, "{\"number\":1,\"boot\":1,\"time\":1700000000,"
				     "\"user\":\"tester\",\"event\":\"boot\","));
	assert_non_null(strstr(text, end));
	assert_non_null(strstr(
		text, "\"event\":\"install\",\"package\":\"pkgname\",\"persistent\":true,"
		      "\"version\":\"1.0\",\"verdict\":\"Signed\","
		      "\"source\":\"http://192.0.2.1/pkgname.wmopkg\",\"prev\":\""));
	audit = audit_open();
	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	assert_int_equal(overlay_audit_boot(audit), 2);
	overlay_audit_free(audit);
}

static void test_no_log(void **state)
{
	struct overlay_audit *audit;
	struct verity_error err;

	(void)state;
	assert_int_equal(verify(&err), -ENOENT);
	assert_int_equal(overlay_audit_print(record, false, stdout, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND, "there is no audit log yet");
	check_ok(overlay_audit_open(-1, MAX_BYTES, 0, "tester", &audit, &err), &err);
	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	overlay_audit_free(audit);
}

static void test_rotation(void **state)
{
	struct stat st;

	(void)state;
	append(150);
	assert_int_equal(fstatat(record, OVERLAY_AUDIT_LOG, &st, 0), 0);
	assert_true(st.st_size <= MAX_BYTES);
	assert_int_equal(fstatat(record, OVERLAY_AUDIT_OLD, &st, 0), 0);
	assert_true(st.st_size <= MAX_BYTES && st.st_size > MAX_BYTES / 2);
	{
		struct overlay_audit_check check;
		struct verity_error err;

		check_ok(overlay_audit_verify(record, &check, &err), &err);
		assert_true(check.first > 1);
		assert_int_equal(check.last, 150);
		assert_int_equal(check.lines, 150 - check.first + 1);
	}
}

/* Any one byte of it: the log or the head is found to be changed. */
static void test_every_changed_byte(void **state)
{
	static const char *const both[] = {OVERLAY_AUDIT_LOG, OVERLAY_AUDIT_HEAD};

	(void)state;
	append(3);
	for (size_t i = 0; i < 2; i++) {
		size_t size;
		cleanup_free char *text = load(both[i], &size);

		for (size_t at = 0; at < size; at++) {
			struct verity_error err = {.code = VERITY_OK};
			char kept = text[at];
			int r;

			text[at] ^= 1;
			store(both[i], text, size);
			r = verify(&err);
			text[at] = kept;
			/* A count of boots and an earlier first line take nothing away.
			 */
			if (r == 0 && i == 1 && at < 22)
				continue;
			if (r != -EBADMSG || err.code != VERITY_E_AUDIT)
				fail_msg("%s, byte %zu: %d", both[i], at, r);
		}
		store(both[i], text, size);
	}
	check_whole(1, 3);
}

/* The lines of a text, each with its newline. */
static size_t split(char *text, char *ret[], size_t max)
{
	size_t count = 0;

	for (char *at = text; *at && count < max; at = strchr(at, '\n') + 1)
		ret[count++] = at;
	ret[count] = text + strlen(text);
	return count;
}

static void test_lines_taken_and_moved(void **state)
{
	static const struct {
		const char *order; /* of lines, 0-based */
		const char *message;
	} cases[] = {
		{"1234", "the log begins with number 2, and number 1 was kept"},
		{"0234",
		 "audit.log, line 2: number 3 comes after 1: lines were removed or "
		 "moved"},
		{"0123", "audit.log: it ends with number 4, and number 5 was written"},
		{"", "audit.log: it ends with number 0, and number 5 was written"},
		{"01324",
		 "audit.log, line 3: number 4 comes after 2: lines were removed or "
		 "moved"},
		{"011234",
		 "audit.log, line 3: number 2 comes after 2: lines were removed "
		 "or moved"},
	};
	cleanup_free char *text = NULL;
	char *lines[8];
	size_t size;

	(void)state;
	append(5);
	text = load(OVERLAY_AUDIT_LOG, &size);
	assert_int_equal(split(text, lines, 6), 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char changed[8192] = "";
		struct verity_error err;

		for (const char *line = cases[i].order; *line; line++)
			strncat(changed, lines[*line - '0'],
				(size_t)(lines[*line - '0' + 1] - lines[*line - '0']));
		store(OVERLAY_AUDIT_LOG, changed, strlen(changed));
		assert_int_equal(verify(&err), -EBADMSG);
		check_error(&err, VERITY_E_AUDIT, cases[i].message);
	}
	unlinkat(record, OVERLAY_AUDIT_HEAD, 0);
	{
		struct verity_error err;

		assert_int_equal(verify(&err), -EBADMSG);
		check_error(&err, VERITY_E_AUDIT, "audit.head: it is gone");
	}
}

static void test_missing_older_file(void **state)
{
	struct verity_error err;

	(void)state;
	append(100);
	unlinkat(record, OVERLAY_AUDIT_OLD, 0);
	assert_int_equal(verify(&err), -EBADMSG);
	assert_non_null(strstr(err.message, "the log begins with number "));
}

/* Power is cut at any byte of an append: what was there stays, and the log goes on. */
static void test_power_cut_in_a_line(void **state)
{
	cleanup_free char *before = NULL, *after = NULL, *head = NULL;
	size_t before_size, after_size, head_size;

	(void)state;
	append(2);
	before = load(OVERLAY_AUDIT_LOG, &before_size);
	head = load(OVERLAY_AUDIT_HEAD, &head_size);
	append(2);
	after = load(OVERLAY_AUDIT_LOG, &after_size);
	for (size_t size = before_size; size <= after_size; size += 7) {
		struct overlay_audit_check check;
		struct verity_error err;

		store(OVERLAY_AUDIT_LOG, after, size);
		store(OVERLAY_AUDIT_HEAD, head, head_size);
		check_ok(overlay_audit_verify(record, &check, &err), &err);
		assert_in_range(check.last, 2, 4);
		append(1);
		check_whole(1, check.last + 1);
	}
}

/* Each step of a rotation: the head, then the name, then the lines, then the head. */
static void test_power_cut_in_a_rotation(void **state)
{
	cleanup_free char *log = NULL, *old = NULL, *head = NULL, *new_head = NULL;
	size_t log_size, old_size, head_size, new_head_size, count = 0;
	struct stat st;

	(void)state;
	do {
		free(log);
		free(head);
		append(1);
		count++;
		log = load(OVERLAY_AUDIT_LOG, &log_size);
		head = load(OVERLAY_AUDIT_HEAD, &head_size);
	} while (log_size + 420 < MAX_BYTES);
	while (fstatat(record, OVERLAY_AUDIT_OLD, &st, 0) < 0) {
		free(log);
		free(head);
		log = load(OVERLAY_AUDIT_LOG, &log_size);
		head = load(OVERLAY_AUDIT_HEAD, &head_size);
		append(1);
		count++;
	}
	old = load(OVERLAY_AUDIT_OLD, &old_size);
	new_head = load(OVERLAY_AUDIT_HEAD, &new_head_size);
	/* after the name was changed, before a line was written */
	store(OVERLAY_AUDIT_HEAD, head, head_size);
	unlinkat(record, OVERLAY_AUDIT_LOG, 0);
	check_whole(1, count - 1);
	append(1);
	check_whole(1, count);
	/* before the name was changed */
	unlinkat(record, OVERLAY_AUDIT_OLD, 0);
	store(OVERLAY_AUDIT_LOG, log, log_size);
	store(OVERLAY_AUDIT_HEAD, head, head_size);
	check_whole(1, count - 1);
	append(1);
	check_whole(1, count);
}

/* A log that somebody changed keeps nobody from writing, and is kept. */
static void test_broken_is_moved_aside(void **state)
{
	cleanup_free char *text = NULL, *aside = NULL, *log = NULL;
	struct verity_error err;
	size_t size;

	(void)state;
	append(3);
	text = load(OVERLAY_AUDIT_LOG, &size);
	text[size / 2] ^= 1;
	store(OVERLAY_AUDIT_LOG, text, size);
	append(1);
	assert_int_equal(verify(&err), -EBADMSG);
	check_error(&err, VERITY_E_AUDIT,
		    "the log was broken once, and what it was is kept in "
		    "audit.log.broken until that is taken away");
	aside = load("audit.log.broken", &size);
	assert_memory_equal(aside, text, size);
	log = load(OVERLAY_AUDIT_LOG, &size);
	assert_non_null(strstr(log, "\"event\":\"broken-log\",\"code\":\"audit\""));
	assert_non_null(strstr(log, "{\"number\":4,"));
	unlinkat(record, "audit.log.broken", 0);
	check_whole(4, 5);
	append(1);
	check_whole(4, 6);
}

static void test_long_and_unprintable_texts(void **state)
{
	char text[4096];
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_REFUSE, .source = text, .detail = "a\033[2Jb\n"};
	struct overlay_audit *audit = audit_open();
	cleanup_free char *log = NULL;
	struct verity_error err;
	size_t size;

	(void)state;
	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	check_ok(overlay_audit_append(audit, &entry, 1, &err), &err);
	overlay_audit_free(audit);
	log = load(OVERLAY_AUDIT_LOG, &size);
	assert_true(size < OVERLAY_AUDIT_LINE_MAX);
	assert_non_null(strstr(log, "\"detail\":\"a?[2Jb?\""));
	check_whole(1, 1);
}

static void test_locked(void **state)
{
	cleanup_fd int lock = -1;
	struct verity_error err;

	(void)state;
	check_ok(overlay_audit_lock(record, false, &lock, &err), &err);
	assert_int_equal(verify(&err), -EBUSY);
	check_error(&err, VERITY_E_BUSY, "audit log: another program is using it");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_chain),
		TEST(test_no_log),
		TEST(test_rotation),
		TEST(test_every_changed_byte),
		TEST(test_lines_taken_and_moved),
		TEST(test_missing_older_file),
		TEST(test_power_cut_in_a_line),
		TEST(test_power_cut_in_a_rotation),
		TEST(test_broken_is_moved_aside),
		TEST(test_long_and_unprintable_texts),
		TEST(test_locked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
