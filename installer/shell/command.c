/* SPDX-License-Identifier: MIT */

/* Finds a command by its name, parses its words, runs it, and prints its help. */

#include "installer/shell/command.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/page.h"
#include "installer/common/redact.h"
#include "installer/common/similar.h"
#include "overlay/config/bootconf.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

#define LINE_MAX_BYTES 1024
#define EXPECTED_BYTES 512
#define NAMES_INDENT   4
#define HELP_INDENT    6
#define MARK_INDENT    2
#define SECRET_SHOWN   "********"
#define HINT_BYTES     64
#define PROGRAM        "wmopkg"

static bool begins(const char *text, const char *name)
{
	return strncasecmp(text, name, strlen(name)) == 0;
}

/* The commands of a context whose names begin with @name, separated by ", ". */
static size_t list_names(unsigned context, const char *name,
			 char ret[static EXPECTED_BYTES])
{
	size_t count = 0;

	ret[0] = '\0';
	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->contexts & context &&
		    begins(command_at(i)->name, name))
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

		if (!(command->contexts & context) || !begins(command->name, name))
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

	/* As hints and documents have it. */
	if (*count > 0 && !(*context & COMMAND_ONCE) &&
	    strcmp((*words)[0], PROGRAM) == 0) {
		*context = COMMAND_ONCE;
		(*words)++;
		(*count)--;
		return;
	}
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
	return index > 1 && word_may_be(WORD_PASSWORD, argv[index - 1]) ? SECRET_SHOWN
									: argv[index];
}

/* The words from @first on; returns the column of word @bad, @argc: behind the last. */
static size_t join_words(const char *left_out, int first, int bad, int argc,
			 char *const *argv, char ret[static LINE_MAX_BYTES])
{
	size_t column = 0;

	snprintf(ret, LINE_MAX_BYTES, "%s", first > 0 ? left_out : "");
	for (int i = first; i < argc; i++) {
		if (ret[0])
			verity_text_append(ret, LINE_MAX_BYTES, " ");
		if (i == bad)
			column = layout_width(redact_urls(ret));
		/* An empty variable of a script is a word, too. */
		verity_text_append(ret, LINE_MAX_BYTES, "%s",
				   argv[i][0] ? shown(i, argv) : "''");
	}
	verity_text_plain(redact_urls(ret));
	return bad < argc ? column : layout_width(ret) + 1;
}

/* The words as they were typed, with a mark below word @bad; @argc: behind the last. On
 * a terminal they are one line: the first and the last are left out. */
static void print_marked(int bad, int argc, char *const *argv)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	const char *left_out = layout.ascii ? "..." : "…";
	size_t room = layout.width ? layout.width - MARK_INDENT : LINE_MAX_BYTES;
	size_t marked = bad < argc ? layout_width(shown(bad, argv)) : 1;
	char line[LINE_MAX_BYTES];
	size_t column;
	int first = 0;

	do
		column = join_words(left_out, first, bad, argc, argv, line);
	while (column + marked > room && first++ < bad);
	layout_repeat(stderr, " ", MARK_INDENT);
	marked = layout_width(line);
	layout_cell(stderr, &layout, line, marked < room ? marked : room);
	fputc('\n', stderr);
	layout_repeat(stderr, " ", MARK_INDENT + (column < room ? column : 0));
	fputs("^\n", stderr);
}

/* Returns @ret, or NULL where nothing similar was found. */
static const char *did_you_mean(const struct similar *similar,
				char ret[static HINT_BYTES])
{
	snprintf(ret, HINT_BYTES, "did you mean %s?", similar->found);
	return similar->found ? ret : NULL;
}

static const struct command *find_similar(unsigned context, const char *name)
{
	struct similar similar = {.typed = name};

	for (size_t i = 0; command_at(i); i++)
		if (command_at(i)->contexts & context)
			similar_offer(&similar, command_at(i)->name);
	return similar.found ? command_find(similar.found) : NULL;
}

enum exit_status command_unknown(unsigned context, int argc, char *const *argv)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	const struct command *other =
		command_pick(COMMAND_TOP | COMMAND_PACKAGE, argv[0]);
	const struct command *similar = find_similar(context, argv[0]);
	char names[EXPECTED_BYTES];
	enum exit_status status;

	snprintf(names, sizeof(names), "did you mean %s?", similar ? similar->name : "");
	if (context & COMMAND_ONCE)
		return report_hint_usage(similar ? names : NULL, "'%s' is not a command",
					 argv[0]);
	if (argv[0][0] && list_names(context, argv[0], names) > 1)
		return report_hint_usage(names, "'%s' can mean more than one command",
					 argv[0]);
	if (other && other->contexts & COMMAND_PACKAGE)
		return report_hint_usage("type: package",
					 "'%s' is a command of the package context",
					 other->name);
	if (other && other->contexts & COMMAND_TOP) {
		snprintf(names, sizeof(names), "type: do %s", other->name);
		return report_hint_usage(names, "'%s' is a command of the top level",
					 other->name);
	}
	snprintf(names, sizeof(names), "did you mean %s?", similar ? similar->name : "");
	status = report_hint_usage(similar ? names : "? explains them",
				   "'%s' is not a command", argv[0]);
	(void)list_names(context, "", names);
	print_marked(0, argc, argv);
	layout_printf(stderr, &layout, NAMES_INDENT, "  expected: %s", names);
	return status;
}

/* Compares @typed with the keywords and choices that may stand in its place. */
static void offer_words(const struct grammar_next *next, struct similar *similar)
{
	for (size_t i = 0; i < next->count; i++) {
		const struct word_info *info = word_info(next->options[i].word);
		const char *const *choice = info->choices;

		/* A short form is right as it stands. */
		if (!next->options[i].value &&
		    (!info->brief || strcmp(info->brief, similar->typed) != 0))
			similar_offer(similar, info->keyword);
		else if (info->kind == KIND_CHOICE)
			for (; *choice; choice++)
				similar_offer(similar, *choice);
	}
}

/*
 * The word that is wrong, or one before it that was taken for a value: "persistant" is a
 * host, and only what follows it makes no sense.
 */
static void find_meant(const struct command *command, int bad, int argc,
		       char *const *argv, struct similar *ret)
{
	struct grammar_next next;

	for (int i = bad < argc ? bad : argc - 1; i > 0 && !ret->found; i--) {
		*ret = (struct similar){.typed = argv[i]};
		if (!argv[i][0] || shown(i, argv) != argv[i] ||
		    grammar_next(command->forms, i - 1, argv + 1, &next) < 0)
			continue;
		offer_words(&next, ret);
		/* What is right as it stands was meant so. */
		if (ret->found && ret->distance == 0)
			ret->found = NULL;
	}
}

enum exit_status command_check(const struct command *command, int argc, char *const *argv,
			       struct words *ret)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	struct similar meant = {.found = NULL};
	struct words unused;
	struct grammar_next next;
	char expected[EXPECTED_BYTES], hint[HINT_BYTES];
	struct verity_error err;
	enum exit_status status;
	int bad;

	if (grammar_match(command->forms, argc - 1, argv + 1, ret ? ret : &unused, &bad,
			  &next) == 0)
		return STATUS_DONE;
	bad++;
	if (bad == argc)
		verity_fail(&err, VERITY_E_USAGE, "%s: incomplete command",
			    command->name);
	else
		verity_fail(&err, VERITY_E_USAGE, "%s: unexpected '%s'", command->name,
			    shown(bad, argv));
	find_meant(command, bad, argc, argv, &meant);
	for (int i = 1; i < argc && !meant.found; i++)
		if (strcasecmp(argv[i], OVERLAY_MEDIA_EXTERNAL) == 0 &&
		    !word_may_be(WORD_MEDIA, argv[i - 1]))
			meant.found = "media " OVERLAY_MEDIA_EXTERNAL;
	status = report_hinted(NULL, &err, did_you_mean(&meant, hint));
	print_marked(bad, argc, argv);
	grammar_describe(&next, expected, sizeof(expected));
	layout_printf(stderr, &layout, NAMES_INDENT, "  expected: %s", expected);
	return status;
}

/*
 * A keyword whose beginning, or nearly the whole of it, was read as the name of a package
 * that is not installed: "show pend".
 */
static void suggest_keyword(const struct command *command, int argc, char *const *argv)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	struct similar similar = {.found = NULL};
	struct grammar_next next;

	for (int i = 1; i < argc && !similar.found; i++) {
		similar = (struct similar){.typed = argv[i]};
		if (grammar_next(command->forms, i - 1, argv + 1, &next) < 0)
			return;
		for (size_t k = 0; k < next.count; k++) {
			enum word word = next.options[k].word;

			/* "all" is more than whoever mistypes one name can mean. */
			if (next.options[k].value || word == WORD_ALL ||
			    word_info(word)->scripts)
				continue;
			similar_offer(&similar, word_info(word)->keyword);
			if (word_may_be(word, argv[i]))
				similar.found = word_info(word)->keyword;
		}
		if (similar.found && strcasecmp(similar.found, argv[i]) == 0)
			similar.found = NULL;
	}
	if (similar.found)
		layout_printf(stderr, &layout, NAMES_INDENT, "  did you mean '%s'?",
			      similar.found);
}

enum exit_status command_run(const struct command *command, struct device *device,
			     int argc, char **argv)
{
	cleanup_free char *password = NULL;
	struct words words;
	struct page page;
	enum exit_status status = command_check(command, argc, argv, &words);
	const char *typed;
	bool paged;

	if (status != STATUS_DONE)
		return status;
	typed = words.values[WORD_PASSWORD];
	if (typed) {
		words.values[WORD_PASSWORD] = password = strdup(typed);
		for (int i = 0; i < argc; i++)
			if (argv[i] == typed)
				memset(argv[i], '*', strlen(argv[i]));
	}
	paged = command->paged && !words_has(&words, WORD_JSON) &&
		!words_has(&words, WORD_SVG);
	if (paged)
		page_begin(&page);
	status = command->run(device, &words);
	if (status == STATUS_ABSENT && words_has(&words, WORD_NAME))
		suggest_keyword(command, argc, argv);
	if (paged)
		page_end(&page);
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
	struct page page;

	/* One of another context can be read about, too. */
	if (name && !only && !(context & COMMAND_ONCE))
		only = command_pick(COMMAND_TOP | COMMAND_PACKAGE, name);
	if (name && !only)
		return command_unknown(context, 1, argv);
	page_begin(&page);
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
	page_end(&page);
	return STATUS_DONE;
}
