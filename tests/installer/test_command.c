/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/command.h"

#define WORDS_MAX 5
#define HELP      " (see 'wmopkg help')"

static char *text;
static size_t size;
static FILE *real;

/* What a command says to stderr. */
static void listen(void)
{
	real = stderr;
	stderr = open_memstream(&text, &size);
	assert_non_null(stderr);
}

static void check_said(const char *expected)
{
	fclose(stderr);
	stderr = real;
	assert_string_equal(text, expected);
	free(text);
	text = NULL;
}

/* Refused before anything of the device is asked for: there is none here. */
static void test_usage(void **state)
{
	static const struct {
		const char *words[WORDS_MAX];
		const char *said;
	} cases[] = {
		{{"install"}, "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "persistent"},
		 "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "a.wmopkg", "b.wmopkg"},
		 "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "a.wmopkg", "persistent"},
		 "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "persistent", "persistent", "a.wmopkg"},
		 "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "--force"},
		 "install: one ./FILE.wmopkg or URL is expected" HELP},
		{{"install", "gopher://host/a.wmopkg"},
		 "'gopher' is not a known protocol (http and https are)"},
		{{"remove", "a", "b"}, "remove: one NAME or 'all' is expected" HELP},
		{{"remove", "all", "b"}, "remove: one NAME or 'all' is expected" HELP},
		{{"remove", "--force"}, "remove: one NAME or 'all' is expected" HELP},
		{{"show", "a", "b"},
		 "show: one NAME at most is expected, and json after it" HELP},
		{{"list", "json", "a"},
		 "list: one NAME at most is expected, and json after it" HELP},
		{{"show", "--json"},
		 "show: one NAME at most is expected, and json after it" HELP},
		{{"retry"}, "retry: one NAME is expected" HELP},
		{{"retry", "a", "b"}, "retry: one NAME is expected" HELP},
		{{"retry", "--all"}, "retry: one NAME is expected" HELP},
		{{"boot-complete", "a"},
		 "boot-complete: nothing is expected after it" HELP},
		{{"verify"}, "verify: one FILE is expected, and json after it" HELP},
		{{"verify", "a", "b"},
		 "verify: one FILE is expected, and json after it" HELP},
		{{"verify", "a", "json", "b"},
		 "verify: one FILE is expected, and json after it" HELP},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[WORDS_MAX + 1] = {NULL};
		char expected[256];
		int argc = 0;
		enum exit_status status;

		for (; argc < WORDS_MAX && cases[i].words[argc]; argc++)
			argv[argc] = strdup(cases[i].words[argc]);
		listen();
		status = command_find(argv[0])->run(NULL, argc, argv);
		snprintf(expected, sizeof(expected), "wmopkg: %s\n", cases[i].said);
		check_said(expected);
		assert_int_equal(status, STATUS_USAGE);
		while (argc)
			free(argv[--argc]);
	}
}

static void test_table(void **state)
{
	const struct command *command;
	size_t count = 0;

	(void)state;
	while ((command = command_at(count))) {
		assert_ptr_equal(command_find(command->name), command);
		assert_true(strlen(command->help) > 0);
		count++;
	}
	assert_true(count >= 5);
	assert_null(command_find("frobnicate"));
	assert_null(command_find(""));
	listen();
	assert_int_equal(command_help("frobnicate"), STATUS_USAGE);
	check_said("wmopkg: 'frobnicate' is not a command (see 'wmopkg help')\n");
}

static void test_messages_are_plain(void **state)
{
	struct verity_error err;

	(void)state;
	verity_fail(&err, VERITY_E_TRANSFER, "the server says 500 \x1b[2Jgone\xff");
	listen();
	assert_int_equal(report_error("a\nb", &err), STATUS_TRANSFER);
	report_warning("%s", "\x9b"
			     "31m");
	check_said(
		"wmopkg: a?b: the server says 500 ?[2Jgone? (check the address, the path "
		"and the server)\nwmopkg: warning: ?31m\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usage),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_messages_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
