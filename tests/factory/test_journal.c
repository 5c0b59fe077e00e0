/* SPDX-License-Identifier: MIT */
#include "factory/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "overlay/fs/erase.h"
#include "tests/check.h"
#include "tests/overlay/scratch.h"
#include "verity/util/cleanup.h"

#define RECORD  "record"
#define JOURNAL RECORD "/" FACTORY_JOURNAL
#define HEAD    "{\"format\":1,\"step\":\"make\",\"by_bootloader\":true"
#define WHOLE   HEAD ",\"made\":false,\"line\":7}"

static int set_up(void **state)
{
	static int fd;

	if (mkdir(RECORD, 0700) < 0)
		return -1;
	fd = open(RECORD, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &fd;
	return fd < 0 ? -1 : 0;
}

static int tear_down(void **state)
{
	close(*(int *)*state);
	return overlay_erase_tree(AT_FDCWD, RECORD, false);
}

static void check_journal(int fd, const struct factory_journal *wanted)
{
	struct factory_journal found;
	struct verity_error err;
	bool there = false;

	check_ok(factory_journal_load(fd, &found, &there, &err), &err);
	assert_int_equal(there, wanted != NULL);
	if (!wanted)
		return;
	assert_int_equal(found.step, wanted->step);
	assert_int_equal(found.by_bootloader, wanted->by_bootloader);
	assert_int_equal(found.made, wanted->made);
	assert_int_equal(found.line, wanted->line);
	assert_int_equal(found.purge, wanted->purge);
}

static void test_every_step(void **state)
{
	int fd = *(int *)*state;
	struct verity_error err;

	check_journal(fd, NULL);
	for (int step = FACTORY_ASKED; step < FACTORY_STEPS; step++) {
		const struct factory_journal journal = {
			.step = (enum factory_step)step,
			.by_bootloader = step % 2,
			.made = step % 3 == 0,
			.line = step - 1,
			.purge = step % 4 == 1,
		};

		check_ok(factory_journal_store(fd, &journal, &err), &err);
		check_journal(fd, &journal);
	}
	check_ok(factory_journal_close(fd, &err), &err);
	check_journal(fd, NULL);
	check_ok(factory_journal_close(fd, &err), &err);
}

static void test_decode(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} cases[] = {
		{"", "not JSON: incomplete at byte 0"},
		{"[]", "not one JSON object and nothing else"},
		{"{}", "format: missing"},
		{"{\"format\":2}", "format: not 1"},
		{"{\"format\":1}", "step: missing"},
		{"{\"format\":1,\"step\":1}", "step: not a string"},
		{"{\"format\":1,\"step\":\"wipe\"}", "step: unknown"},
		{"{\"format\":1,\"step\":\"make\"}", "by_bootloader: missing"},
		{HEAD ",\"made\":1}", "made: not true or false"},
		{HEAD ",\"made\":true}", "line: missing"},
		{HEAD ",\"made\":true,\"line\":-2}",
		 "line: outside -1 to 9223372036854775806"},
		{HEAD ",\"made\":true,\"line\":1.5}", "line: not an integer"},
		{HEAD ",\"made\":true,\"line\":1,\"tries\":7}", "tries: outside 0 to 6"},
		{WHOLE WHOLE, "not JSON: unexpected character at byte 69"},
	};
	struct factory_journal journal = {.line = 99};
	struct verity_error err;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *text = cases[i].text;

		assert_int_equal(
			factory_journal_decode(text, strlen(text), &journal, &err),
			-EBADMSG);
		check_error(&err, VERITY_E_BAD_RECORD, cases[i].why);
		assert_int_equal(journal.line, 99);
	}
	check_ok(factory_journal_decode(WHOLE, strlen(WHOLE), &journal, &err), &err);
	assert_int_equal(journal.step, FACTORY_MAKE);
	assert_true(journal.by_bootloader);
	assert_false(journal.made);
	assert_int_equal(journal.line, 7);
}

/* That something is there is all that other software has to see to. */
static void test_odd_requests(void **state)
{
	static const struct factory_journal asked = {.step = FACTORY_ASKED};
	static const struct factory_journal later = {.step = FACTORY_NOTE, .line = 3};
	int fd = *(int *)*state;
	struct verity_error err;

	for (int kind = 0; kind < 6; kind++) {
		switch (kind) {
		case 0:
			scratch_write(JOURNAL, "");
			break;
		case 1:
			scratch_write(JOURNAL, "yes please\n");
			break;
		case 2:
			scratch_write(JOURNAL, "{\"format\":2}");
			break;
		case 3:
			assert_int_equal(symlink("/etc/passwd", JOURNAL), 0);
			break;
		case 4:
			assert_int_equal(mkfifo(JOURNAL, 0600), 0);
			break;
		default:
			assert_int_equal(mkdir(JOURNAL, 0755), 0);
			scratch_write(JOURNAL "/file", "");
			break;
		}
		check_journal(fd, &asked);
		check_ok(factory_journal_store(fd, &later, &err), &err);
		check_journal(fd, &later);
		check_ok(factory_journal_close(fd, &err), &err);
		check_journal(fd, NULL);
	}
	assert_int_equal(rmdir(RECORD), 0); /* and nothing else is left */
	assert_int_equal(mkdir(RECORD, 0700), 0);
}

static void test_too_long(void **state)
{
	static const struct factory_journal asked = {.step = FACTORY_ASKED};
	char text[FACTORY_JOURNAL_BYTES_MAX + 2];

	memset(text, ' ', sizeof(text));
	memcpy(text, WHOLE, strlen(WHOLE));
	text[sizeof(text) - 1] = '\0';
	scratch_write(JOURNAL, text);
	check_journal(*(int *)*state, &asked);
}

static void test_obeyed(void **state)
{
	int fd = *(int *)*state;
	struct verity_error err;

	for (int i = 0; i < 2; i++) {
		check_ok(factory_obeyed_set(fd, false, &err), &err);
		assert_false(factory_obeyed(fd));
	}
	for (int i = 0; i < 2; i++) {
		check_ok(factory_obeyed_set(fd, true, &err), &err);
		assert_true(factory_obeyed(fd));
	}
	check_ok(factory_obeyed_set(fd, false, &err), &err);
	assert_int_equal(mkdir(RECORD "/" FACTORY_OBEYED, 0755), 0);
	assert_true(factory_obeyed(fd));
	check_ok(factory_obeyed_set(fd, false, &err), &err);
	assert_false(factory_obeyed(fd));
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(every_step), TEST(decode), TEST(odd_requests),
		TEST(too_long),   TEST(obeyed),
	};

	return cmocka_run_group_tests_name("factory/journal", tests, scratch_enter,
					   scratch_leave);
}
