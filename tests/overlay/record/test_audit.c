/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "tests/overlay/record/audits.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static uint64_t begin_boot(int record)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);
	struct verity_error err;

	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	return overlay_audit_boot(audit);
}

static void check_begins(const char *text, const char *start)
{
	assert_memory_equal(text, start, strlen(start));
}

static void test_lines(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL;
	const char *line;
	size_t size;

	assert_int_equal(begin_boot(record), 1);
	audits_append(record, 1);
	assert_int_equal(begin_boot(record), 2);
	audits_check(record, 1, 3);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	check_begins(text, "{\"number\":1,\"boot\":1,\"time\":1700000000,"
			   "\"user\":\"tester\",\"event\":\"boot\",\"prev\":\"" ZEROS
			   "\",\"digest\":\"");
	line = strchr(text, '\n') + 1;
	check_begins(line, "{\"number\":2,\"boot\":1,\"time\":1700000000,"
			   "\"user\":\"tester\",\"event\":\"install\","
			   "\"package\":\"pkgname\",\"persistent\":true,"
			   "\"version\":\"1.0\",\"verdict\":\"Signed\","
			   "\"source\":\"http://192.0.2.1/pkgname.wmopkg\",\"prev\":\"");
	line = strchr(line, '\n') + 1;
	check_begins(line, "{\"number\":3,\"boot\":2,");
}

static void test_all_keys(void **state)
{
	const int record = *(int *)*state;
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);
	static const uint8_t id[VERITY_DIGEST_BYTES] = {0xab, 0xcd};
	const struct overlay_entry package = {.name = "a"};
	const struct verity_error reason = {.code = VERITY_E_NO_SIGNATURE,
					    .message = "it is \"not\" signed"};
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_REFUSE,
						  .package = &package,
						  .version = "1",
						  .verdict = "Unsigned",
						  .id = id,
						  .signer = "CN=Grün",
						  .source = "/media/a.wmopkg",
						  .detail = "3",
						  .reason = &reason};
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;

	check_ok(overlay_audit_append(audit, &entry, 1, &err), &err);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	check_begins(text,
		     "{\"number\":1,\"boot\":0,\"time\":1700000000,\"user\":\"tester\","
		     "\"event\":\"refuse\",\"package\":\"a\",\"persistent\":false,"
		     "\"version\":\"1\",\"verdict\":\"Unsigned\",\"id\":\"abcd0000000000"
		     "00000000000000000000000000000000000000000000000000\","
		     "\"signer\":\"CN=Grün\",\"source\":\"/media/a.wmopkg\","
		     "\"code\":\"no-signature\","
		     "\"message\":\"it is \\\"not\\\" signed\",\"detail\":\"3\","
		     "\"prev\":\"" ZEROS "\",\"digest\":\"");
}

static void test_events(void **state)
{
	(void)state;
	for (int i = 0; i <= OVERLAY_AUDIT_BROKEN; i++)
		assert_non_null(overlay_audit_event_name((enum overlay_audit_event)i));
	assert_string_equal(overlay_audit_event_name(OVERLAY_AUDIT_UNLOCK_CLEAR),
			    "unlock-clear");
}

static void test_nowhere(void **state)
{
	const int record = *(int *)*state;
	struct overlay_audit *audit;
	struct verity_error err;

	assert_int_equal(audits_verify(record, &err), -ENOENT);
	assert_int_equal(overlay_audit_print(record, false, stdout, &err), -ENOENT);
	check_error(&err, VERITY_E_NOT_FOUND,
		    "there is no audit log yet (what is done is written to it)");
	check_ok(overlay_audit_open(-1, AUDITS_BYTES, 0, "tester", &audit, &err), &err);
	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	overlay_audit_free(audit);
}

/* Both files stay as short as they must, and the chain goes over both of them. */
static void test_rotation(void **state)
{
	const int record = *(int *)*state;
	struct overlay_audit_check check;
	struct verity_error err;
	struct stat st;

	for (uint64_t count = 1; count <= 200; count++) {
		audits_append(record, 1);
		check_ok(overlay_audit_verify(record, &check, &err), &err);
		assert_int_equal(check.last, count);
		assert_int_equal(fstatat(record, OVERLAY_AUDIT_LOG, &st, 0), 0);
		assert_true(st.st_size <= AUDITS_BYTES);
	}
	assert_true(check.first > 100);
	assert_int_equal(fstatat(record, OVERLAY_AUDIT_OLD, &st, 0), 0);
	assert_in_range(st.st_size, AUDITS_BYTES - OVERLAY_AUDIT_LINE_MAX, AUDITS_BYTES);
}

/* A boot with many packages: one append of more than a whole file. */
static void test_long_append(void **state)
{
	const int record = *(int *)*state;
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);
	static struct overlay_audit_entry entries[500];
	struct verity_error err;

	for (size_t i = 0; i < 500; i++)
		entries[i].event = OVERLAY_AUDIT_ACTIVATE;
	audits_append(record, 1);
	check_ok(overlay_audit_append(audit, entries, 500, &err), &err);
	audits_check(record, 1, 501);
	audits_append(record, 1);
	audits_check(record, 2, 502);
	audits_append(record, 1);
	audits_check(record, 2, 503);
}

static void test_long_and_unprintable_texts(void **state)
{
	const int record = *(int *)*state;
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit = NULL;
	static const uint8_t id[VERITY_DIGEST_BYTES];
	struct overlay_entry package;
	struct verity_error reason = {.code = VERITY_E_KERNEL_SIGNATURE}, err;
	char text[4096];
	const struct overlay_audit_entry entries[] = {
		{.event = OVERLAY_AUDIT_REFUSE,
		 .package = &package,
		 .version = text,
		 .verdict = text,
		 .id = id,
		 .signer = text,
		 .source = text,
		 .detail = text,
		 .reason = &reason},
		{.event = OVERLAY_AUDIT_REFUSE, .detail = "a\033[2Jb\n"},
	};
	cleanup_free char *log = NULL;
	size_t size;

	memset(text, '"', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memset(reason.message, '\\', sizeof(reason.message) - 1);
	reason.message[sizeof(reason.message) - 1] = '\0';
	memset(package.name, 'a', sizeof(package.name) - 1);
	package.name[sizeof(package.name) - 1] = '\0';
	check_ok(overlay_audit_open(record, OVERLAY_AUDIT_BYTES, AUDITS_TIME, text,
				    &audit, &err),
		 &err);
	check_ok(overlay_audit_append(audit, entries, 2, &err), &err);
	/* cut between two characters, not in one of them */
	for (size_t i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + 1 + i, "ü", 2);
	text[0] = 'x';
	text[sizeof(text) - 1] = '\0';
	check_ok(overlay_audit_append(
			 audit, &(struct overlay_audit_entry){.detail = text}, 1, &err),
		 &err);
	log = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	assert_in_range(strchr(log, '\n') + 1 - log, OVERLAY_AUDIT_LINE_MAX / 2,
			OVERLAY_AUDIT_LINE_MAX);
	assert_non_null(strstr(log, "\"detail\":\"a?[2Jb?\""));
	assert_non_null(strstr(log, "\"detail\":\"xüü"));
	assert_null(strstr(log, "x??"));
	audits_check(record, 1, 3);
}

/* What a technician sees on a console of 80 columns. */
static void test_print(void **state)
{
	static const char wanted[] =
		"TIME (UTC)           BOOT USER     EVENT         PACKAGE: VERDICT / "
		"REASON\n"
		"2023-11-14 22:13:20     0 tester   install       pkgname 1.0 "
		"(persistent):\n"
		"    Signed / from http://192.0.2.1/pkgname.wmopkg\n"
		"2023-11-14 22:13:20     1 tester   boot\n"
		"2023-11-14 22:13:20     1 tester   refuse        a 1: Unsigned / "
		"no-signature:\n"
		"    it is not signed, and this device asks for a signature under a key of "
		"its\n"
		"    key ring\n"
		"2023-11-14 22:13:20     1 tester   denylist      3 / from list / signed "
		"by\n"
		"    CN=Grün\n";
	const int record = *(int *)*state;
	const struct overlay_entry package = {.name = "a"};
	const struct verity_error reason = {
		.code = VERITY_E_NO_SIGNATURE,
		.message = "it is not signed, and this device asks for a signature under "
			   "a key of its key ring"};
	const struct overlay_audit_entry entries[] = {
		{.event = OVERLAY_AUDIT_REFUSE,
		 .package = &package,
		 .version = "1",
		 .verdict = "Unsigned",
		 .reason = &reason},
		{.event = OVERLAY_AUDIT_DENYLIST,
		 .source = "list",
		 .signer = "CN=Grün",
		 .detail = "3"},
	};
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;
	FILE *out;

	audits_append(record, 1);
	check_ok(overlay_audit_begin_boot(audit, &err), &err);
	check_ok(overlay_audit_append(audit, entries, 2, &err), &err);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	check_ok(overlay_audit_print(record, false, out, &err), &err);
	fclose(out);
	assert_string_equal(text, wanted);
}

static void test_print_json(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL, *log = NULL;
	struct verity_error err;
	size_t size, log_size;
	FILE *out;

	audits_append(record, 3);
	log = audits_load(record, OVERLAY_AUDIT_LOG, &log_size);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	check_ok(overlay_audit_print(record, true, out, &err), &err);
	fclose(out);
	assert_string_equal(text, log);
}

/* Where what is printed goes; whoever reads it slowly is still at it. */
static ssize_t take_lock(void *cookie, const char *bytes, size_t size)
{
	cleanup_fd int lock = -1;

	(void)bytes;
	return overlay_record_lock(*(int *)cookie, "test", false, &lock, NULL) < 0
		       ? 0
		       : (ssize_t)size;
}

/* Paging through the log holds up nobody who has something to write. */
static void test_print_slowly(void **state)
{
	FILE *out = fopencookie(*state, "w", (cookie_io_functions_t){.write = take_lock});
	struct verity_error err;

	audits_append(*(int *)*state, 3);
	assert_int_equal(setvbuf(out, NULL, _IOLBF, 4096), 0);
	check_ok(overlay_audit_print(*(int *)*state, false, out, &err), &err);
	assert_int_equal(fclose(out), 0);
}

static void test_locked(void **state)
{
	static const char busy[] = "audit log: audit log: another program is using it: ";
	const int record = *(int *)*state;
	cleanup_fd int lock = -1;
	struct verity_error err;

	check_ok(overlay_record_lock(record, "audit log", false, &lock, &err), &err);
	assert_int_equal(audits_append_one(record, NULL, &err), -EBUSY);
	assert_int_equal(err.code, VERITY_E_BUSY);
	assert_memory_equal(err.message, busy, strlen(busy));
}

/* Who reads does not keep who reads. */
static void test_shared_lock(void **state)
{
	const int record = *(int *)*state;
	cleanup_fd int lock = -1;
	struct verity_error err;

	audits_append(record, 1);
	check_ok(overlay_record_lock(record, "audit log", true, &lock, &err), &err);
	audits_check(record, 1, 1);
}

/* What who writes sets aside while a reader waits for it, the reader does not miss. */
static void test_set_aside_meanwhile(void **state)
{
	const int record = *(int *)*state;
	const struct timespec while_it_waits = {.tv_nsec = 300000000};
	cleanup_fd int lock = -1;
	struct verity_error err;
	int status;
	pid_t reader;

	audits_append(record, 1);
	check_ok(overlay_record_lock(record, "audit log", false, &lock, &err), &err);
	reader = fork();
	assert_true(reader >= 0);
	if (reader == 0) {
		close(lock);
		_exit(audits_verify(record, &err) == -EBADMSG ? 0 : 1);
	}
	nanosleep(&while_it_waits, NULL);
	audits_store(record, OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE, "#", 1);
	close(steal_fd(&lock));
	assert_int_equal(waitpid(reader, &status, 0), reader);
	assert_int_equal(status, 0);
}

/* Of what could not be written whole, nothing is left. */
static void test_no_room(void **state)
{
	const int record = *(int *)*state;
	const struct rlimit large = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit small = {0, RLIM_INFINITY};
	cleanup_free char *before = NULL, *after = NULL;
	size_t before_size, after_size;
	struct verity_error err;
	int r;

	audits_append(record, 3);
	before = audits_load(record, OVERLAY_AUDIT_LOG, &before_size);
	small.rlim_cur = before_size + 40;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	r = audits_append_one(record, NULL, &err);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(err.code, VERITY_E_NO_ROOM);
	after = audits_load(record, OVERLAY_AUDIT_LOG, &after_size);
	assert_int_equal(after_size, before_size);
	audits_check(record, 1, 3);
	audits_append(record, 1);
	audits_check(record, 1, 4);
}

/* Many programs at once: each line is there once, in one chain. */
static void test_many_writers(void **state)
{
	enum { WRITERS = 4, LINES = 10 };
	const int record = *(int *)*state;
	struct overlay_audit_check check;
	struct verity_error err;
	pid_t pids[WRITERS];

	for (int i = 0; i < WRITERS; i++) {
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0) {
			int r = 0;

			for (int line = 0; r == 0 && line < LINES; line++)
				r = audits_append_one(record, NULL, &err);
			_exit(r == 0 ? 0 : 1);
		}
	}
	for (int i = 0; i < WRITERS; i++) {
		int status;

		assert_int_equal(waitpid(pids[i], &status, 0), pids[i]);
		assert_int_equal(status, 0);
	}
	check_ok(overlay_audit_verify(record, &check, &err), &err);
	assert_int_equal(check.last, WRITERS * LINES);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, audits_set_up, audits_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_lines),
		TEST(test_all_keys),
		TEST(test_events),
		TEST(test_nowhere),
		TEST(test_rotation),
		TEST(test_long_append),
		TEST(test_long_and_unprintable_texts),
		TEST(test_print),
		TEST(test_print_json),
		TEST(test_print_slowly),
		TEST(test_locked),
		TEST(test_shared_lock),
		TEST(test_set_aside_meanwhile),
		TEST(test_no_room),
		TEST(test_many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
