/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "installer/shell/command.h"

#define WORDS_MAX 8

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
		{{"install", "proto", "ftpp", "192.0.2.1", "a.wmopkg"},
		 "install: unexpected 'ftpp' (did you mean ftp?)\n"
		 "  install proto ftpp 192.0.2.1 a.wmopkg\n"
		 "                ^\n"
		 "  expected: <ftp|tftp|scp|sftp|http|https>"},
		{{"install", "192.0.2.1"},
		 "install: incomplete command\n"
		 "  install 192.0.2.1\n"
		 "                    ^\n"
		 "  expected: PKGNAME.wmopkg"},
		{{"install", "password", "geheim", "a.wmopkg", "b", "c"},
		 "install: unexpected 'c'\n"
		 "  install password ******** a.wmopkg b c\n"
		 "                                       ^\n"
		 "  expected: persistent, force, proto, user, --check-firmware, --check-model or end of line"},
		{{"retry", "a", "b"},
		 "retry: unexpected 'b'\n"
		 "  retry a b\n"
		 "          ^\n"
		 "  expected: end of line"},
		/* not taken for a host */
		{{"install", "persistant", "192.0.2.1", "a.wmopkg"},
		 "install: unexpected 'persistant' (did you mean persistent?)\n"
		 "  install persistant 192.0.2.1 a.wmopkg\n"
		 "          ^\n"
		 "  expected: persistent, force, proto, user, password, address[:port], "
		 "--check-firmware, --check-model, media or URL | ./FILE.wmopkg"},
		{{"install", "external", "a.wmopkg"},
		 "install: unexpected 'external' (did you mean media external?)\n"
		 "  install external a.wmopkg\n"
		 "          ^\n"
		 "  expected: persistent, force, proto, user, password, address[:port], "
		 "--check-firmware, --check-model, media or URL | ./FILE.wmopkg"},
		/* in place of the word that was taken for a host */
		{{"install", "porto", "192.0.2.1", "a.wmopkg"},
		 "install: unexpected 'a.wmopkg' (did you mean proto?)\n"
		 "  install porto 192.0.2.1 a.wmopkg\n"
		 "                          ^\n"
		 "  expected: persistent, force, proto, user, password, --check-firmware, "
		 "--check-model or end of line"},
		{{"boot", "StE", "safe", "1"},
		 "boot: unexpected 'StE' (did you mean set?)\n"
		 "  boot StE safe 1\n"
		 "       ^\n"
		 "  expected: set, --yes, clear, json or end of line"},
		{{"retry"},
		 "retry: incomplete command\n"
		 "  retry\n"
		 "        ^\n"
		 "  expected: NAME"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[WORDS_MAX + 1] = {NULL};
		char expected[512];
		int argc = 0;
		enum exit_status status;

		for (; argc < WORDS_MAX && cases[i].words[argc]; argc++)
			argv[argc] = strdup(cases[i].words[argc]);
		listen();
		status = command_run(command_find(argv[0]), NULL, argc, argv);
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
	assert_int_equal(command_help(COMMAND_ONCE, "frobnicate"), STATUS_USAGE);
	check_said("wmopkg: 'frobnicate' is not a command (see 'wmopkg help')\n");
}

/* Where words lead, and what a part of a name stands for. */
static void test_contexts(void **state)
{
	static const struct {
		unsigned context;
		const char *words[4];
		unsigned led;
		const char *command; /* NULL: none */
	} cases[] = {
		{COMMAND_TOP, {"package"}, COMMAND_PACKAGE, NULL},
		{COMMAND_TOP, {"package", "install"}, COMMAND_PACKAGE, "install"},
		{COMMAND_TOP, {"p", "i"}, COMMAND_PACKAGE, "install"},
		{COMMAND_TOP, {"install"}, COMMAND_TOP, NULL},
		{COMMAND_TOP, {"do", "do", "unlock"}, COMMAND_TOP, "unlock"},
		{COMMAND_PACKAGE, {"do"}, COMMAND_TOP, NULL},
		{COMMAND_PACKAGE, {"do", "unlock"}, COMMAND_TOP, "unlock"},
		{COMMAND_PACKAGE, {"do", "package", "l"}, COMMAND_PACKAGE, NULL},
		{COMMAND_PACKAGE, {"li"}, COMMAND_PACKAGE, "list"},
		{COMMAND_PACKAGE, {"unlock"}, COMMAND_PACKAGE, NULL},
		{COMMAND_PACKAGE, {"re"}, COMMAND_PACKAGE, NULL},
		{COMMAND_PACKAGE, {"rem", "do"}, COMMAND_PACKAGE, "remove"},
		{COMMAND_PACKAGE, {"removed"}, COMMAND_PACKAGE, NULL},
		{COMMAND_PACKAGE, {"boot-complete"}, COMMAND_PACKAGE, NULL},
		{COMMAND_ONCE, {"package", "install"}, COMMAND_ONCE, NULL},
		{COMMAND_ONCE, {"leave"}, COMMAND_ONCE, NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[4] = {NULL};
		char *const *words = argv;
		unsigned context = cases[i].context;
		const struct command *command;
		int count = 0;

		for (; count < 4 && cases[i].words[count]; count++)
			argv[count] = strdup(cases[i].words[count]);
		command_resolve(&context, &count, &words);
		assert_int_equal(context, cases[i].led);
		command = count ? command_pick(context, words[0]) : NULL;
		if (!cases[i].command)
			assert_null(command);
		else
			assert_string_equal(command->name, cases[i].command);
		for (size_t k = 0; k < 4; k++)
			free(argv[k]);
	}
	/* As many as there are, none is meant. */
	assert_null(command_pick(COMMAND_ONCE | COMMAND_TOP | COMMAND_PACKAGE, ""));
	assert_null(command_pick(COMMAND_TOP, ""));
	assert_null(command_pick(COMMAND_PACKAGE, ""));
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
		cmocka_unit_test(test_contexts),
		cmocka_unit_test(test_messages_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
