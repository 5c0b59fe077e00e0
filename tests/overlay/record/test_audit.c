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
#include "overlay/record/trials.h"
#include "tests/overlay/record/audits.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"

#define ZEROS "0000000000000000000000000000000000000000000000000000000000000000"

DEFINE_CLEANUP(struct overlay_audit, overlay_audit_free);

static uint64_t begin_boot(int record)
{
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);

	audits_boot(audit);
	return overlay_audit_boot(audit);
}

static void check_begins(const char *text, const char *start)
{
	assert_memory_equal(text, start, strlen(start));
}

static void test_lines(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL, *boots = NULL;
	const char *line;
	size_t size;

	assert_int_equal(begin_boot(record), 1);
	audits_append(record, 1);
	assert_int_equal(begin_boot(record), 2);
	audits_check(record, 1, 3);
	boots = audits_load(record, OVERLAY_AUDIT_BOOTED, &size);
	check_begins(boots, "{\"number\":1,\"boot\":1,\"time\":1700000000,"
			    "\"user\":\"tester\",\"event\":\"boot\",\"prev\":\"" ZEROS
			    "\",\"digest\":\"");
	line = strchr(boots, '\n') + 1;
	check_begins(line, "{\"number\":3,\"boot\":2,");
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	check_begins(text, "{\"number\":2,\"boot\":1,\"time\":1700000000,"
			   "\"user\":\"tester\",\"event\":\"install\","
			   "\"package\":\"pkgname\",\"persistent\":true,"
			   "\"version\":\"1.0\",\"verdict\":\"Signed\","
			   "\"source\":\"http://192.0.2.1/pkgname.wmopkg\",\"prev\":\"");
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
	text = audits_load(record, OVERLAY_AUDIT_REFUSED, &size);
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
	assert_int_equal(overlay_audit_print(record, false, SIZE_MAX, 80, stdout, &err),
			 -ENOENT);
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
		check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
		assert_int_equal(check.last, count);
		assert_int_equal(fstatat(record, OVERLAY_AUDIT_LOG, &st, 0), 0);
		assert_true(st.st_size <= AUDITS_BYTES);
	}
	assert_true(check.first > 100);
	assert_int_equal(fstatat(record, OVERLAY_AUDIT_OLD, &st, 0), 0);
	assert_in_range(st.st_size, AUDITS_BYTES - OVERLAY_AUDIT_LINE_MAX, AUDITS_BYTES);
}

static void check_sizes(int record, size_t changes)
{
	static const char *const names[] = {OVERLAY_AUDIT_LOG, OVERLAY_AUDIT_REFUSED,
					    OVERLAY_AUDIT_BOOTED};
	struct stat st;

	for (size_t i = 0; i < 6; i++) {
		char name[32];

		snprintf(name, sizeof(name), "%s%s", names[i / 2], i % 2 ? ".1" : "");
		if (fstatat(record, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
			assert_in_range(st.st_size, 0, i < 2 ? changes : changes / 2);
	}
}

/* More than a file takes in one append: no file ever gets longer than its share. */
static void test_long_append(void **state)
{
	const int record = *(int *)*state;
	cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
		audits_open(record);
	static struct overlay_audit_entry entries[500];
	struct overlay_audit_check check;
	struct verity_error err;

	for (size_t i = 0; i < 500; i++)
		entries[i].event = OVERLAY_AUDIT_INSTALL;
	audits_append(record, 1);
	check_ok(overlay_audit_append(audit, entries, 500, &err), &err);
	check_sizes(record, AUDITS_BYTES);
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	assert_int_equal(check.last, 501);
	assert_int_equal(check.rings[0].dropped + check.rings[0].lines, 501);
	assert_int_equal(check.rings[0].dropped_last + 1, check.rings[0].first);
	assert_int_equal(check.rings[0].dropped_time, AUDITS_TIME);
	audits_append(record, 1);
	audits_check(record, check.first, 502);
}

static struct overlay_audit_entry entry_of(const struct overlay_entry *package,
					   const struct verity_error *reason)
{
	return (struct overlay_audit_entry){
		.event = reason ? OVERLAY_AUDIT_REFUSE : OVERLAY_AUDIT_ACTIVATE,
		.package = package,
		.version = "1",
		.verdict = reason ? "Invalid" : "Signed",
		.reason = reason,
	};
}

/* Whatever a boot finds: its lines have a limit, and what was done stays. */
static void test_boot_of_many(void **state)
{
	enum { COUNT = 5000, BOOTS = 300 };
	const int record = *(int *)*state;
	const struct verity_error reason = {.code = VERITY_E_BAD_MAGIC,
					    .message = "not a package"};
	static struct overlay_entry packages[COUNT];
	static struct overlay_audit_entry entries[COUNT];
	struct overlay_audit_boot boot = {.entries = entries, .count = COUNT};
	struct overlay_audit_check check;
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;

	audits_append(record, 3);
	for (size_t i = 0; i < COUNT; i++) {
		snprintf(packages[i].name, sizeof(packages[i].name), "p%zu", i);
		entries[i] = entry_of(&packages[i], i < 2 ? NULL : &reason);
	}
	for (int i = 0; i < BOOTS; i++) {
		cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
			audits_open(record);

		boot.set[0] = (uint8_t)i; /* another set in each boot */
		check_ok(overlay_audit_begin_boot(audit, &err), &err);
		check_ok(overlay_audit_end_boot(audit, &boot, &err), &err);
		check_sizes(record, AUDITS_BYTES);
	}
	check_ok(overlay_audit_verify(record, BOOTS, &check, &err), &err);
	assert_int_equal(check.rings[OVERLAY_AUDIT_CHANGES].lines, 3);
	assert_int_equal(check.rings[OVERLAY_AUDIT_CHANGES].first, 1);
	assert_int_equal(check.rings[OVERLAY_AUDIT_CHANGES].dropped, 0);
	assert_true(check.rings[OVERLAY_AUDIT_BOOTS].dropped > BOOTS);
	text = audits_load(record, OVERLAY_AUDIT_BOOTED, &size);
	assert_non_null(strstr(text, "\"detail\":\"further packages\",\"count\":499"));
}

/* A boot that did the same is one line, as long as the lines that it means are there. */
static void test_same_boots(void **state)
{
	const int record = *(int *)*state;
	const struct overlay_entry package = {.name = "a"};
	const struct overlay_audit_entry entry = entry_of(&package, NULL);
	const struct overlay_audit_boot boot = {
		.entries = &entry, .count = 1, .detail = "1 active, 0 not"};
	struct verity_error err;
	uint64_t full = 0;

	audits_append(record, 6);
	for (int i = 1; i <= 100; i++) {
		cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
			audits_open(record);
		struct overlay_audit_check before = {0}, check;
		cleanup_free char *text = NULL;
		size_t size;

		check_ok(overlay_audit_verify(record, 0, &before, &err), &err);
		check_ok(overlay_audit_begin_boot(audit, &err), &err);
		check_ok(overlay_audit_end_boot(audit, &boot, &err), &err);
		check_ok(overlay_audit_verify(record, (uint64_t)i, &check, &err), &err);
		assert_int_equal(check.rings[0].lines, 6);
		full += check.last - before.last == 2;
		assert_in_range(check.last - before.last, 1, 2);
		if (i == 1 || i > 3)
			continue;
		assert_int_equal(check.last - before.last, 1);
		text = audits_load(record, OVERLAY_AUDIT_BOOTED, &size);
		assert_non_null(strstr(text, "\"detail\":\"1 active, 0 not, as in boot "
					     "1\""));
	}
	assert_in_range(full, 2, 40);
	assert_int_equal(audits_verify(record, &err), 0);
}

/* A boot that ended before it was recorded is named by the next one. */
static void test_boot_cut_off(void **state)
{
	const int record = *(int *)*state;
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size;

	begin_boot(record);
	for (int i = 0; i < 2; i++) {
		cleanup_with(overlay_audit_free_p) struct overlay_audit *audit =
			audits_open(record);

		check_ok(overlay_audit_begin_boot(audit, &err), &err);
	}
	assert_int_equal(begin_boot(record), 4);
	text = audits_load(record, OVERLAY_AUDIT_BOOTED, &size);
	assert_non_null(strstr(text, "\"boot\":4,"));
	assert_non_null(strstr(text, "boot 2 to 3 did not get this far\""));
}

static void refuse(int record, const char *name, uint64_t ret[2])
{
	const struct verity_error reason = {.code = VERITY_E_NO_SIGNATURE,
					    .message = "it has no signature"};
	struct overlay_entry package = {.kind = OVERLAY_ORDINARY};
	const struct overlay_audit_entry entry = entry_of(&package, &reason);
	struct overlay_audit_check check;
	struct overlay_audit *audit = audits_open(record);
	struct verity_error err;

	snprintf(package.name, sizeof(package.name), "%s", name);
	check_ok(overlay_audit_append(audit, &entry, 1, &err), &err);
	overlay_audit_free(audit);
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	ret[0] = check.rings[OVERLAY_AUDIT_REFUSALS].lines;
	ret[1] = check.repeats;
}

/* The same again and again is a number; what differs is a line, and pushes out no other
 * ring. */
static void test_refusals(void **state)
{
	static const char *const names[] = {"a", "b"};
	const int record = *(int *)*state;
	struct overlay_audit_check check;
	cleanup_free char *text = NULL;
	struct verity_error err;
	uint64_t seen[2];
	char name[16];
	size_t size;

	audits_append(record, 3);
	for (int i = 0; i < 100; i++)
		refuse(record, names[i % 2], seen);
	assert_int_equal(seen[0], 2);
	assert_int_equal(seen[1], 98);
	begin_boot(record);
	text = audits_load(record, OVERLAY_AUDIT_REFUSED, &size);
	assert_non_null(strstr(text, "\"event\":\"repeat\",\"detail\":\"refusals as "
				     "before, until 2023-11-14 22:13:20 "
				     "UTC\",\"count\":98,"));
	refuse(record, "a", seen);
	assert_int_equal(seen[0], 4);
	assert_int_equal(seen[1], 0);
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		refuse(record, name, seen);
		check_sizes(record, AUDITS_BYTES);
	}
	check_ok(overlay_audit_verify(record, 1, &check, &err), &err);
	assert_int_equal(check.rings[OVERLAY_AUDIT_CHANGES].lines, 3);
	assert_true(check.rings[OVERLAY_AUDIT_REFUSALS].dropped > 100);
}

/* What an older version wrote: one chain with all events in it, and a head of format 1.
 */
static void test_older_version(void **state)
{
	static const char log[] =
		"{\"number\":1,\"boot\":0,\"time\":1795937643,\"user\":\"root\",\"e"
		"vent\":\"install\",\"package\":\"a\",\"persistent\":false,\"versio"
		"n\":\"1\",\"verdict\":\"Signed\",\"id\":\"697b4e7b9b26a225355d10b4"
		"3d9e34b1c456f4e601315fbd473b09d6e2ce3f64\",\"signer\":\"CN=wmopkg "
		"development signer\",\"source\":\"/srv/device/a.wmopkg\",\"prev\":"
		"\"0000000000000000000000000000000000000000000000000000000000000000"
		"\",\"digest\":\"cdf2dca6bcf17a4c4c2ef7af7ed86171c6f9e05e7e43bb6c0c"
		"74c2f3e073c9b1\"}\n"
		"{\"number\":2,\"boot\":0,\"time\":1795937643,\"user\":\"root\",\"e"
		"vent\":\"refuse\",\"package\":\"b\",\"persistent\":false,\"version"
		"\":\"1\",\"verdict\":\"Unsigned\",\"id\":\"89988dc9f0f94d799edc4e9"
		"4dd591ade4d4efef1f6f18ac0fa928f9a3f5f461c\",\"source\":\"/srv/devi"
		"ce/b.wmopkg\",\"code\":\"no-signature\",\"message\":\"it has no si"
		"gnature\",\"prev\":\"cdf2dca6bcf17a4c4c2ef7af7ed86171c6f9e05e7e43b"
		"b6c0c74c2f3e073c9b1\",\"digest\":\"3fe0aef51a2fc11259f212377a16b23"
		"decfc9d25fb51ed7cedc9c34a58ea2be7\"}\n"
		"{\"number\":3,\"boot\":0,\"time\":1795937643,\"user\":\"root\",\"e"
		"vent\":\"install\",\"package\":\"a\",\"persistent\":false,\"versio"
		"n\":\"1\",\"verdict\":\"Signed\",\"id\":\"697b4e7b9b26a225355d10b4"
		"3d9e34b1c456f4e601315fbd473b09d6e2ce3f64\",\"signer\":\"CN=wmopkg "
		"development signer\",\"source\":\"/srv/device/a.wmopkg\",\"prev\":"
		"\"3fe0aef51a2fc11259f212377a16b23decfc9d25fb51ed7cedc9c34a58ea2be7"
		"\",\"digest\":\"44e75973b29c1e2619825cdaa53536005edb6ca8cc84844184"
		"d57e2acc09ddf5\"}\n"
		"{\"number\":4,\"boot\":0,\"time\":1795937643,\"user\":\"root\",\"e"
		"vent\":\"remove\",\"package\":\"a\",\"persistent\":false,\"prev\":"
		"\"44e75973b29c1e2619825cdaa53536005edb6ca8cc84844184d57e2acc09ddf5"
		"\",\"digest\":\"aa53f3af07bd2ce32269517ba0a0788993b405316cf5ed6e8b"
		"345478e054bc50\"}\n";
	static const char head[] =
		"{\"boot\":0,\"first\":1,\"last\":4,\"digest\":\"aa53f3af07bd2ce322"
		"69517ba0a0788993b405316cf5ed6e8b345478e054bc50\",\"check\":\"cc542"
		"d56a5a375920d80bbdd8ed7a5f540b9d523185979832e5e6335cc2e2294\"}\n";
	const int record = *(int *)*state;
	cleanup_free char *text = NULL;
	struct overlay_audit_check check;
	struct verity_error err;
	size_t size;

	audits_store(record, OVERLAY_AUDIT_LOG, log, strlen(log));
	audits_store(record, OVERLAY_AUDIT_HEAD, head, strlen(head));
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
	assert_int_equal(check.lines, 4);
	assert_int_equal(check.last, 4);
	assert_int_equal(begin_boot(record), 1);
	audits_append(record, 1);
	audits_check(record, 1, 6);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	assert_memory_equal(text, log, strlen(log));
	text[strlen(log) / 2] ^= 1;
	audits_store(record, OVERLAY_AUDIT_LOG, text, size);
	assert_int_equal(audits_verify(record, &err), -EBADMSG);
}

/* A mark near the last number would be the end of the log: that one is ignored. */
static void test_mark_too_high(void **state)
{
	static const char *const numbers[] = {
		"500000000000000",  "999999999999990",     "999999999999999",
		"1000000000000000", "9223372036854775807",
	};
	const int record = *(int *)*state;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct verity_error err;
		char text[192];

		audits_empty(record);
		(void)unlinkat(record, OVERLAY_AUDIT_HEAD, 0);
		snprintf(text, sizeof(text),
			 "{\"type\":\"trials\",\"format\":1,\"completed\":true,"
			 "\"idle\":false,\"failed\":0,\"audit_number\":%s,"
			 "\"audit_digest\":\"00\",\"packages\":[]}",
			 numbers[i]);
		check_ok(overlay_record_replace(record, OVERLAY_RECORD_TRIALS, text,
						strlen(text), &err),
			 &err);
		begin_boot(record);
		audits_append(record, 2);
		audits_append(record, 2);
		audits_check(record, 1, 5);
		assert_int_equal(faccessat(record, OVERLAY_AUDIT_LOG ".broken", F_OK, 0),
				 -1);
	}
}

/* What a completed boot has noted must be there, whatever was done to all of the files.
 */
static void test_mark(void **state)
{
	const int record = *(int *)*state;
	struct overlay_trials trials = {.completed = true};
	struct audits_copy old;
	struct verity_error err;

	begin_boot(record);
	audits_append(record, 2);
	audits_save(record, &old);
	audits_append(record, 2);
	check_ok(overlay_audit_mark(record, &trials.audit_number, trials.audit_digest,
				    &err),
		 &err);
	assert_int_equal(trials.audit_number, 5);
	check_ok(overlay_trials_store(record, &trials, &err), &err);
	audits_check(record, 1, 5);
	audits_append(record, 1);
	audits_check(record, 1, 6);
	/* an older copy of all files */
	audits_restore(record, &old);
	check_ok(overlay_trials_store(record, &trials, &err), &err);
	assert_int_equal(audits_verify(record, &err), -EBADMSG);
	check_error(&err, VERITY_E_AUDIT,
		    "the log ends with number 3, and number 5 was there when a boot was "
		    "completed");
	/* lines of somebody else in the place of ours */
	audits_append(record, 1);
	audits_restore(record, &old);
	for (int i = 0; i < 3; i++)
		check_ok(audits_append_one(record, "other", &err), &err);
	check_ok(overlay_trials_store(record, &trials, &err), &err);
	assert_int_equal(audits_verify(record, &err), -EBADMSG);
	check_error(&err, VERITY_E_AUDIT,
		    "number 5 is not the line that was there when a boot was completed");
	/* all of it deleted: the next line says so, and its number goes on */
	audits_empty(record);
	check_ok(overlay_trials_store(record, &trials, &err), &err);
	assert_int_equal(audits_verify(record, &err), -EBADMSG);
	audits_append(record, 1);
	audits_check(record, 6, 7);
	audits_drop(&old);
}

/* The boot that runs now must be counted: what is from before it was put back. */
static void test_boot_number(void **state)
{
	const int record = *(int *)*state;
	struct overlay_audit_check check;
	struct verity_error err;

	assert_int_equal(overlay_audit_verify(record, 1, &check, &err), -EBADMSG);
	check_error(&err, VERITY_E_AUDIT, "the log is gone, and this is boot 1");
	begin_boot(record);
	begin_boot(record);
	check_ok(overlay_audit_verify(record, 2, &check, &err), &err);
	assert_int_equal(overlay_audit_verify(record, 3, &check, &err), -EBADMSG);
	check_error(&err, VERITY_E_AUDIT,
		    "audit.head: boot 2, and this is boot 3: it is an older one");
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
			 audit,
			 &(struct overlay_audit_entry){.event = OVERLAY_AUDIT_REFUSE,
						       .detail = text},
			 1, &err),
		 &err);
	log = audits_load(record, OVERLAY_AUDIT_REFUSED, &size);
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
	audits_boot(audit);
	check_ok(overlay_audit_append(audit, entries, 2, &err), &err);
	out = open_memstream(&text, &size);
	assert_non_null(out);
	check_ok(overlay_audit_print(record, false, SIZE_MAX, 80, out, &err), &err);
	fclose(out);
	assert_string_equal(text, wanted);
}

/* After the end of 32 bits, with a sign in 2038 and without one in 2106. */
static void test_print_far(void **state)
{
	static const struct {
		int64_t when;
		const char *printed;
	} times[] = {
		{INT64_C(2208988800), "2040-01-01 00:00:00"},
		{INT64_C(4294967296), "2106-02-07 06:28:16"},
		{INT64_C(253402300799), "9999-12-31 23:59:59"},
	};
	const int record = *(int *)*state;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_INSTALL};
		struct overlay_audit *audit = NULL;
		cleanup_free char *text = NULL;
		struct verity_error err;
		size_t size;
		FILE *out = open_memstream(&text, &size);

		assert_non_null(out);
		check_ok(overlay_audit_open(record, OVERLAY_AUDIT_BYTES, times[i].when,
					    "tester", &audit, &err),
			 &err);
		check_ok(overlay_audit_append(audit, &entry, 1, &err), &err);
		overlay_audit_free(audit);
		check_ok(overlay_audit_print(record, false, 1, 80, out, &err), &err);
		fclose(out);
		assert_non_null(strstr(text, times[i].printed));
	}
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
	check_ok(overlay_audit_print(record, true, SIZE_MAX, 80, out, &err), &err);
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
	check_ok(overlay_audit_print(*(int *)*state, false, SIZE_MAX, 80, out, &err),
		 &err);
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
	/* the second time, there is a line, too, that tells of the first */
	for (int i = 0; i < 2; i++) {
		r = audits_append_one(record, NULL, &err);
		assert_int_equal(r, -EFBIG);
	}
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &large), 0);
	assert_int_equal(err.code, VERITY_E_NO_ROOM);
	after = audits_load(record, OVERLAY_AUDIT_LOG, &after_size);
	assert_int_equal(after_size, before_size);
	audits_check(record, 1, 3);
	/* and the log says how many lines it lacks */
	audits_append(record, 1);
	audits_check(record, 1, 5);
	free(steal_ptr(&after));
	after = audits_load(record, OVERLAY_AUDIT_LOG, &after_size);
	assert_non_null(strstr(after, "\"event\":\"lost\",\"count\":2,"));
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
	check_ok(overlay_audit_verify(record, 0, &check, &err), &err);
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
		TEST(test_boot_of_many),
		TEST(test_same_boots),
		TEST(test_boot_cut_off),
		TEST(test_refusals),
		TEST(test_older_version),
		TEST(test_mark),
		TEST(test_older_version),
		TEST(test_mark_too_high),
		TEST(test_boot_number),
		TEST(test_long_and_unprintable_texts),
		TEST(test_print),
		TEST(test_print_json),
		TEST(test_print_far),
		TEST(test_print_slowly),
		TEST(test_locked),
		TEST(test_shared_lock),
		TEST(test_set_aside_meanwhile),
		TEST(test_no_room),
		TEST(test_many_writers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
