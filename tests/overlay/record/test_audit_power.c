/* SPDX-License-Identifier: MIT */

/*
 * Power is cut before each system call that changes a file, and in the middle of each
 * write: a child is ended there, and what it left is looked at and written on. How much
 * of a write comes to the disk, and of what bytes, is a sample that ./check long
 * completes.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/overlay/record/audits.h"
#include "verity/util/cleanup.h"

#define ENDED     99
#define CALLS_MAX 64

/* Counts down to the call that does not come back; 0: none. */
static int calls_left;
static size_t bytes_written; /* of the last write, where it is that call */

static void count_call(void)
{
	if (calls_left > 0 && --calls_left == 0)
		_exit(ENDED);
}

int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int dirfd, const char *name, int flags);
int __wrap_unlinkat(int dirfd, const char *name, int flags);
int __wrap_fsync(int fd);
int __real_ftruncate64(int fd, off_t size);
int __wrap_ftruncate64(int fd, off_t size);
ssize_t __real_pwrite64(int fd, const void *bytes, size_t size, off_t place);
ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t place);

int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	count_call();
	return __real_renameat(from_fd, from, to_fd, to);
}

int __wrap_unlinkat(int dirfd, const char *name, int flags)
{
	count_call();
	return __real_unlinkat(dirfd, name, flags);
}

int __wrap_fsync(int fd)
{
	(void)fd;
	count_call();
	return 0; /* here only a process ends, and the disk is slow */
}

int __wrap_ftruncate64(int fd, off_t size)
{
	count_call();
	return __real_ftruncate64(fd, size);
}

ssize_t __wrap_pwrite64(int fd, const void *bytes, size_t size, off_t place)
{
	if (calls_left == 1)
		(void)!__real_pwrite64(
			fd, bytes, size < bytes_written ? size : bytes_written, place);
	count_call();
	return __real_pwrite64(fd, bytes, size, place);
}

static int add_boot(int record)
{
	static const struct overlay_audit_boot boot = {.count = 0};
	struct overlay_audit *audit = audits_open(record);
	struct verity_error err;
	int r = overlay_audit_begin_boot(audit, &err);

	if (r == 0)
		r = overlay_audit_end_boot(audit, &boot, &err);
	overlay_audit_free(audit);
	return r;
}

static int add_three(int record)
{
	static const struct overlay_audit_entry entries[3] = {
		{.event = OVERLAY_AUDIT_INSTALL},
		{.event = OVERLAY_AUDIT_REMOVE},
		{.event = OVERLAY_AUDIT_RETRY},
	};
	struct overlay_audit *audit = audits_open(record);
	struct verity_error err;
	int r = overlay_audit_append(audit, entries, 3, &err);

	overlay_audit_free(audit);
	return r;
}

/* Returns whether the child came to its end before the power was cut. */
static bool cut(int record, int (*add)(int record), int calls, size_t written)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		calls_left = calls;
		bytes_written = written;
		_exit(add(record) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_true(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == ENDED);
	return WEXITSTATUS(status) == 0;
}

static void make_nothing(int record)
{
	(void)record;
}

static void make_some(int record)
{
	assert_int_equal(add_boot(record), 0);
	audits_append(record, 2);
}

static void make_torn(int record)
{
	size_t size;
	cleanup_free char *text = NULL;

	make_some(record);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	text = realloc(text, size + 30);
	assert_non_null(text);
	memcpy(text + size, "{\"number\":4,\"boot\":1,\"time\":17", 30);
	audits_store(record, OVERLAY_AUDIT_LOG, text, size + 30);
}

/* As many as make the next append rotate. */
static void make_full(int record)
{
	size_t size = 0;

	while (size + 800 < AUDITS_BYTES) {
		audits_append(record, 1);
		free(audits_load(record, OVERLAY_AUDIT_LOG, &size));
	}
}

static void make_full_twice(int record)
{
	size_t size = SIZE_MAX;

	while (size == SIZE_MAX) {
		audits_append(record, 1);
		free(audits_load(record, OVERLAY_AUDIT_OLD, &size));
	}
	make_full(record);
}

static void make_full_and_torn(int record)
{
	size_t size;
	cleanup_free char *text = NULL;

	make_full_twice(record);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	text = realloc(text, size + 5);
	assert_non_null(text);
	memcpy(text + size, "{\"num", 5);
	audits_store(record, OVERLAY_AUDIT_LOG, text, size + 5);
}

/* Lines that the head does not know of. */
static void make_ahead(int record)
{
	size_t size;
	cleanup_free char *head = NULL;

	make_full_twice(record);
	head = audits_load(record, OVERLAY_AUDIT_HEAD, &size);
	audits_append(record, 1);
	audits_store(record, OVERLAY_AUDIT_HEAD, head, size);
}

static const struct {
	const char *name;
	void (*make)(int record);
	int (*add)(int record);
} cases[] = {
	{"the first line of all", make_nothing, add_boot},
	{"the first lines of all", make_nothing, add_three},
	{"a boot", make_some, add_boot},
	{"three lines", make_some, add_three},
	{"after a line that was cut off", make_torn, add_three},
	{"the first rotation", make_full, add_three},
	{"a rotation", make_full_twice, add_three},
	{"a rotation after a line that was cut off", make_full_and_torn, add_three},
	{"a rotation of lines that the head does not know", make_ahead, add_three},
};

static const size_t written[] = {0, 1, 100, 500, 5000};

/* Where the log ends; every line before it must stay. */
static uint64_t check_whole(int record, uint64_t at_least, uint64_t at_most)
{
	struct overlay_audit_check check;
	struct verity_error err;
	int r = overlay_audit_verify(record, 0, &check, &err);

	if (r == -ENOENT) {
		assert_int_equal(at_least, 0);
		return 0;
	}
	check_ok(r, &err);
	assert_in_range(check.last, at_least, at_most);
	return check.last;
}

/* Long enough that it rotates. */
static int add_many(int record)
{
	static struct overlay_audit_entry entries[60];
	struct overlay_audit *audit = audits_open(record);
	struct verity_error err;
	int r;

	for (size_t i = 0; i < 60; i++)
		entries[i].event = OVERLAY_AUDIT_INSTALL;
	r = overlay_audit_append(audit, entries, 60, &err);

	overlay_audit_free(audit);
	return r;
}

static void run(int record, const struct audits_copy *made, int (*add)(int record),
		size_t most_written)
{
	bool done = false;

	for (int calls = 1; !done; calls++) {
		uint64_t before, after;

		assert_true(calls < CALLS_MAX);
		audits_restore(record, made);
		before = check_whole(record, 0, UINT64_MAX);
		done = cut(record, add, calls, most_written);
		after = check_whole(record, before, before + 3);
		if (done)
			assert_true(after > before);
		audits_append(record, 1);
		check_whole(record, after + 1, after + 1);
		assert_int_equal(add_many(record), 0);
		check_whole(record, after + 61, after + 61);
	}
}

static void test_every_call(void **state)
{
	const int record = *(int *)*state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct audits_copy made;

		print_message("%s\n", cases[i].name);
		audits_empty(record);
		cases[i].make(record);
		audits_save(record, &made);
		for (size_t k = i % check_step(3);
		     k < sizeof(written) / sizeof(written[0]); k += check_step(3))
			run(record, &made, cases[i].add, written[k]);
		audits_drop(&made);
	}
}

/* Every byte of three lines: what is whole stays, what is not is no line. */
static void test_every_byte(void **state)
{
	const int record = *(int *)*state;
	struct audits_copy before;
	cleanup_free char *after = NULL;
	size_t size, log = 0;

	make_some(record);
	audits_save(record, &before);
	assert_int_equal(add_three(record), 0);
	after = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	for (size_t end = before.size[log]; end <= size; end += check_step(5)) {
		uint64_t last;

		audits_restore(record, &before);
		audits_store(record, OVERLAY_AUDIT_LOG, after, end);
		last = check_whole(record, 3, 6);
		audits_append(record, 1);
		check_whole(record, last + 1, last + 1);
	}
	audits_drop(&before);
}

/* A file that has grown before its bytes came; they came last to first. */
static void test_zeros(void **state)
{
	const int record = *(int *)*state;
	struct audits_copy before;
	cleanup_free char *after = NULL;
	size_t size, log = 0;

	make_some(record);
	audits_save(record, &before);
	assert_int_equal(add_three(record), 0);
	after = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	for (size_t at = before.size[log]; at < size; at += check_step(5)) {
		audits_restore(record, &before);
		after[at] = '\0';
		audits_store(record, OVERLAY_AUDIT_LOG, after, size);
		check_whole(record, 3, 3);
		audits_append(record, 1);
		check_whole(record, 4, 4);
	}
	audits_drop(&before);
}

static void make_broken(int record)
{
	size_t size;
	cleanup_free char *text = NULL;

	make_full_twice(record);
	text = audits_load(record, OVERLAY_AUDIT_LOG, &size);
	text[size / 2] ^= 1;
	audits_store(record, OVERLAY_AUDIT_LOG, text, size);
}

/* Of what was broken nothing is lost, and a line tells of it, wherever that was cut. */
static void test_setting_aside(void **state)
{
	const int record = *(int *)*state;
	bool done = false;

	for (int calls = 1; !done; calls++) {
		cleanup_free char *broken = NULL, *aside = NULL, *log = NULL;
		size_t size, aside_size, log_size;
		struct verity_error err;

		assert_true(calls < CALLS_MAX);
		audits_empty(record);
		make_broken(record);
		broken = audits_load(record, OVERLAY_AUDIT_LOG, &size);
		done = cut(record, add_three, calls, 100);
		assert_int_equal(audits_verify(record, &err), -EBADMSG);
		audits_append(record, 1);
		assert_int_equal(audits_verify(record, &err), -EBADMSG);
		check_error(
			&err, VERITY_E_AUDIT,
			"the log was damaged: the damaged file is kept as "
			"audit.log.1.broken, and this is reported until that file is deleted");
		aside = audits_load(record, OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE,
				    &aside_size);
		assert_int_equal(aside_size, size);
		assert_memory_equal(aside, broken, size);
		log = audits_load(record, OVERLAY_AUDIT_LOG, &log_size);
		assert_non_null(
			strstr(log, "\"event\":\"broken-log\",\"code\":\"audit\""));
		unlinkat(record, OVERLAY_AUDIT_LOG OVERLAY_AUDIT_ASIDE, 0);
		unlinkat(record, OVERLAY_AUDIT_OLD OVERLAY_AUDIT_ASIDE, 0);
		check_whole(record, 1, UINT64_MAX);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, audits_set_up, audits_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_every_call),
		TEST(test_every_byte),
		TEST(test_zeros),
		TEST(test_setting_aside),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
