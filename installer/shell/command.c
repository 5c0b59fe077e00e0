/* SPDX-License-Identifier: MIT */
#include "installer/shell/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

#define LINE_MAX_BYTES 1024
#define EXPECTED_BYTES 512
#define HELP_INDENT    6
#define SECRET_SHOWN   "********"

/* A word as it may be shown: a password follows the word that says so. */
static const char *shown(int index, char *const *argv)
{
	const char *keyword = word_info(WORD_PASSWORD)->keyword;

	return index > 1 && strcmp(argv[index - 1], keyword) == 0 ? SECRET_SHOWN
								  : argv[index];
}

void command_mark(int bad, int argc, char *const *argv)
{
	char line[LINE_MAX_BYTES] = "";
	size_t used = 0;
	size_t mark = 0;

	for (int i = 0; i <= argc && used < sizeof(line); i++) {
		if (i == bad)
			mark = used + (i == argc);
		if (i < argc)
			used += (size_t)snprintf(line + used, sizeof(line) - used, "%s%s",
						 shown(i, argv), i + 1 < argc ? " " : "");
	}
	fputs("  ", stderr);
	report_typed(stderr, line);
	fprintf(stderr, "\n  %*s^\n", mark < sizeof(line) ? (int)mark : 0, "");
}

static enum exit_status fail(int bad, const struct grammar_next *next, int argc,
			     char *const *argv)
{
	char expected[EXPECTED_BYTES];
	struct verity_error err;
	enum exit_status status;

	grammar_describe(next, expected, sizeof(expected));
	if (bad == argc)
		verity_fail(&err, VERITY_E_USAGE, "something is missing");
	else
		verity_fail(&err, VERITY_E_USAGE, "'%s' is wrong here", shown(bad, argv));
	verity_context(&err, 0, "%s", argv[0]);
	status = report_hinted(NULL, &err, NULL);
	command_mark(bad, argc, argv);
	fprintf(stderr, "  expected: %s\n", expected);
	return status;
}

static enum exit_status read_words(const struct command *command, int argc,
				   char *const *argv, struct words *ret)
{
	struct grammar_next next;
	int bad;

	if (grammar_match(command->forms, argc - 1, argv + 1, ret, &bad, &next) == 0)
		return STATUS_DONE;
	return fail(bad + 1, &next, argc, argv);
}

enum exit_status command_check(const struct command *command, int argc, char *const *argv)
{
	struct words words;

	return read_words(command, argc, argv, &words);
}

static void wipe_p(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(*text);
}

/* What was typed shows in the list of processes until it is gone. */
static void hide(int argc, char **argv, const char *secret)
{
	for (int i = 0; i < argc; i++)
		if (argv[i] == secret)
			memset(argv[i], '*', strlen(argv[i]));
}

enum exit_status command_run(const struct command *command, struct device *device,
			     int argc, char **argv)
{
	cleanup_with(wipe_p) char *password = NULL;
	struct words words;
	enum exit_status status = read_words(command, argc, argv, &words);

	if (status != STATUS_DONE)
		return status;
	if (words_has(&words, WORD_PASSWORD)) {
		const char *typed = words.values[WORD_PASSWORD];

		password = strdup(typed);
		hide(argc, argv, typed);
		words.values[WORD_PASSWORD] = password;
	}
	return command->run(device, &words);
}

static void print_command(const struct command *command)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char synopsis[LINE_MAX_BYTES];

	for (size_t i = 0; command->forms[i]; i++) {
		grammar_synopsis(command->forms[i], synopsis, sizeof(synopsis));
		layout_printf(stdout, &layout, HELP_INDENT, "  %s%s%s", command->name,
			      synopsis[0] ? " " : "", synopsis);
	}
	layout_printf(stdout, &layout, HELP_INDENT, "      %s", command->help);
}

static void print_commands(unsigned place)
{
	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->places & place)
			print_command(command_at(i));
}

static void print_usage(void)
{
	puts("\nOptions:\n"
	     "  --config FILE   configuration (default: " OVERLAY_CONFIG_PATH ")\n"
	     "  --debug         print each step and the system's own reasons on stderr;\n"
	     "                  " VERITY_DEBUG_VARIABLE "=1 in the environment does the same\n"
	     "  --version       show the version\n\n"
	     "Without a command, on a terminal, it is a shell with the same commands.\n"
	     "Installed and removed packages take effect at the next boot.\n"
	     "Exit status: 0 done, 1 failed, 2 usage, 3 refused by verification,\n"
	     "4 no such package, file or media, 5 transfer failed, 6 no room.");
}

enum exit_status command_help(unsigned place, const char *name)
{
	const struct command *command = name ? command_pick(place, name) : NULL;
	cleanup_free char *word = name ? strdup(name) : NULL;

	if (name && !command)
		return command_unknown(place, 1, &word);
	if (place & COMMAND_ONCE)
		puts("Usage: wmopkg [--debug] [--config FILE] [COMMAND ...]\n");
	if (command) {
		print_command(command);
		return STATUS_DONE;
	}
	print_commands(place);
	if (place & COMMAND_ONCE)
		print_usage();
	return STATUS_DONE;
}
