/* SPDX-License-Identifier: MIT */

/* Finds a command by its name, parses its words, runs it, and prints its help. */

#include "installer/shell/command.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/redact.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

#define LINE_MAX_BYTES 1024
#define EXPECTED_BYTES 512
#define NAMES_INDENT   4
#define HELP_INDENT    6
#define SECRET_SHOWN   "********"

/* The commands of a context whose names begin with @name, separated by ", ". */
static size_t list_names(unsigned context, const char *name,
			 char ret[static EXPECTED_BYTES])
{
	size_t count = 0;

	ret[0] = '\0';
	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->contexts & context &&
		    verity_text_begins(command_at(i)->name, name))
			verity_text_append(ret, EXPECTED_BYTES, "%s%s",
					   count++ ? ", " : "", command_at(i)->name);
	return count;
}

const struct command *command_pick(unsigned context, const char *name)
{
	const struct command *found = NULL;
	size_t count = 0;

	for (size_t i = 0; command_at(i); i++) {
		const struct command *command = command_at(i);

		if (!(command->contexts & context) ||
		    !verity_text_begins(command->name, name))
			continue;
		if (command->name[strlen(name)] == '\0')
			return command;
		found = command;
		count++;
	}
	return count == 1 ? found : NULL;
}

void command_resolve(unsigned *context, int *count, char *const **words)
{
	const struct command *command;

	while (*count > 0 && (command = command_pick(*context, (*words)[0])) &&
	       (command->action == COMMAND_ENTERS || command->action == COMMAND_DOES)) {
		*context =
			command->action == COMMAND_DOES ? COMMAND_TOP : COMMAND_PACKAGE;
		(*words)++;
		(*count)--;
	}
}

/* A word as it may be shown: the one after "password" is not. */
static const char *shown(int index, char *const *argv)
{
	const char *keyword = word_info(WORD_PASSWORD)->keyword;

	return index > 1 && strcmp(argv[index - 1], keyword) == 0 ? SECRET_SHOWN
								  : argv[index];
}

/* The words as they were typed, with a mark below word @bad; @argc: behind the last. */
static void print_marked(int bad, int argc, char *const *argv)
{
	char line[LINE_MAX_BYTES] = "";
	int column = 0;

	for (int i = 0; i < argc; i++) {
		if (i > 0)
			verity_text_append(line, sizeof(line), " ");
		if (i == bad)
			column = (int)layout_width(redact_urls(line));
		verity_text_append(line, sizeof(line), "%s", shown(i, argv));
	}
	if (bad == argc)
		column = (int)layout_width(redact_urls(line)) + 1;
	fputs("  ", stderr);
	report_typed(stderr, line);
	fprintf(stderr, "\n  %*s^\n", column < LINE_MAX_BYTES - 1 ? column : 0, "");
}

enum exit_status command_unknown(unsigned context, int argc, char *const *argv)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	const struct command *other = command_find(argv[0]);
	char names[EXPECTED_BYTES];
	enum exit_status status;

	if (context & COMMAND_ONCE)
		return report_usage("'%s' is not a command", argv[0]);
	if (argv[0][0] && list_names(context, argv[0], names) > 1)
		return report_hint_usage(names, "'%s' can mean more than one command",
					 argv[0]);
	if (other && other->contexts & COMMAND_PACKAGE)
		return report_hint_usage("type: package",
					 "'%s' is a command of the package context",
					 argv[0]);
	if (other && other->contexts & COMMAND_TOP) {
		snprintf(names, sizeof(names), "type: do %s", other->name);
		return report_hint_usage(names, "'%s' is a command of the top level",
					 argv[0]);
	}
	status = report_hint_usage("? explains them", "'%s' is not a command", argv[0]);
	(void)list_names(context, "", names);
	print_marked(0, argc, argv);
	layout_printf(stderr, &layout, NAMES_INDENT, "  expected: %s", names);
	return status;
}

enum exit_status command_check(const struct command *command, int argc, char *const *argv,
			       struct words *ret)
{
	struct words unused;
	struct grammar_next next;
	char expected[EXPECTED_BYTES];
	struct verity_error err;
	enum exit_status status;
	int bad;

	if (grammar_match(command->forms, argc - 1, argv + 1, ret ? ret : &unused, &bad,
			  &next) == 0)
		return STATUS_DONE;
	bad++;
	if (bad == argc)
		verity_fail(&err, VERITY_E_USAGE, "%s: incomplete command", argv[0]);
	else
		verity_fail(&err, VERITY_E_USAGE, "%s: unexpected '%s'", argv[0],
			    shown(bad, argv));
	status = report_hinted(NULL, &err, NULL);
	print_marked(bad, argc, argv);
	grammar_describe(&next, expected, sizeof(expected));
	fprintf(stderr, "  expected: %s\n", expected);
	return status;
}

enum exit_status command_run(const struct command *command, struct device *device,
			     int argc, char **argv)
{
	cleanup_free char *password = NULL;
	struct words words;
	enum exit_status status = command_check(command, argc, argv, &words);
	const char *typed;

	if (status != STATUS_DONE)
		return status;
	typed = words.values[WORD_PASSWORD];
	if (typed) {
		words.values[WORD_PASSWORD] = password = strdup(typed);
		for (int i = 0; i < argc; i++)
			if (argv[i] == typed)
				memset(argv[i], '*', strlen(argv[i]));
	}
	status = command->run(device, &words);
	if (password)
		explicit_bzero(password, strlen(password));
	return status;
}

enum exit_status command_help(unsigned context, const char *name)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	const struct command *only = name ? command_pick(context, name) : NULL;
	char *const argv[] = {(char *)(uintptr_t)name, NULL};
	char synopsis[LINE_MAX_BYTES];

	if (name && !only)
		return command_unknown(context, 1, argv);
	if (context & COMMAND_ONCE)
		puts("Usage: wmopkg [--debug] [--config FILE] [COMMAND ...]\n");
	for (size_t i = 0; command_at(i); i++) {
		const struct command *command = command_at(i);

		if (only ? command != only : !(command->contexts & context))
			continue;
		for (size_t k = 0; command->forms[k]; k++) {
			grammar_synopsis(command->forms[k], synopsis, sizeof(synopsis));
			layout_printf(stdout, &layout, HELP_INDENT, "  %s%s%s",
				      command->name, synopsis[0] ? " " : "", synopsis);
		}
		layout_printf(stdout, &layout, HELP_INDENT, "      %s", command->help);
	}
	if (!only && context & COMMAND_ONCE)
		puts("\nOptions:\n"
		     "  --config FILE   configuration (default: " OVERLAY_CONFIG_PATH
		     ")\n"
		     "  --debug         print each step to standard error\n"
		     "  --version       show the version\n\n"
		     "Without a command, on a terminal, it is a shell with the same "
		     "commands.\n"
		     "Installed and removed packages take effect at the next boot.\n"
		     "Exit status: 0 done, 1 failed, 2 usage, 3 refused by verification,\n"
		     "4 no such package, file or media, 5 transfer failed, 6 no room.");
	return STATUS_DONE;
}
