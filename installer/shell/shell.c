/* SPDX-License-Identifier: MIT */
#include "installer/shell/shell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/grammar/split_words.h"
#include "installer/shell/child.h"
#include "installer/shell/columns.h"
#include "installer/shell/complete.h"
#include "installer/shell/input.h"
#include "installer/shell/signal.h"
#include "verity/util/cleanup.h"

#define HOST_BYTES   65
#define PROMPT_BYTES (HOST_BYTES + 16)

struct shell {
	const char *config;
	unsigned place; /* COMMAND_TOP or COMMAND_PACKAGE */
	bool done;
	struct shell_input *input;
	char prompt[PROMPT_BYTES];
};

DEFINE_CLEANUP(struct device, device_free);
DEFINE_CLEANUP(struct shell_input, shell_input_free);

static void line_free_p(struct line *line)
{
	line_free(line);
}

static void candidates_free_p(struct candidates *candidates)
{
	candidates_free(candidates);
}

static const char *prompt(void *context)
{
	struct shell *shell = context;
	char host[HOST_BYTES] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		snprintf(host, sizeof(host), "device");
	host[strcspn(host, ".")] = '\0';
	snprintf(shell->prompt, sizeof(shell->prompt), "%s:/%s#> ", host,
		 shell->place == COMMAND_PACKAGE ? "package/" : "");
	return shell->prompt;
}

/* The place at the end of what is typed; its words stay in @line. */
static bool place_of(const struct shell *shell, const char *text, size_t size,
		     struct line *line, struct complete_place *ret)
{
	struct verity_error unused;

	if (line_split(text, size, line, &unused) < 0 || line->comment)
		return false;
	*ret = (struct complete_place){
		.config = shell->config,
		.place = shell->place,
		.words = line->words,
		.count = line->count - line->open,
		.begin = line->open ? line->words[line->count - 1] : "",
	};
	return true;
}

/* What is missing of @text, whose begin is typed already, as it has to be typed. */
static char *rest_of(const char *text, size_t size, const struct line *line, bool whole)
{
	const char *typed = line->open ? line->words[line->count - 1] : "";
	size_t known = strlen(typed);
	cleanup_free char *rest = strndup(text + known, size - known);
	cleanup_free char *quoted = NULL;
	struct verity_error unused;
	char quote = line->quote;
	char end[3] = "";
	char *ret;

	if (quote == '\\')
		quote = '\0';
	if (!rest || line_quote(rest, quote, &quoted, &unused) < 0)
		return NULL;
	if (whole)
		snprintf(end, sizeof(end), "%.*s ", quote ? 1 : 0, &quote);
	if (!quoted[0] && !end[0])
		return NULL;
	return asprintf(&ret, "%s%s", quoted, end) < 0 ? NULL : ret;
}

static char *complete(void *context, const char *text, size_t size)
{
	const struct shell *shell = context;
	cleanup_with(line_free_p) struct line line = {.count = 0};
	cleanup_with(candidates_free_p) struct candidates found = {.count = 0};
	struct complete_place place;
	struct verity_error unused;
	size_t common;
	char *rest;

	if (!place_of(shell, text, size, &line, &place) ||
	    complete_find(&place, &found, &unused) < 0 || found.count == 0)
		return NULL;
	common = candidates_common(&found);
	rest = rest_of(found.items[0].text, common, &line,
		       found.count == 1 && !found.items[0].more);
	if (!rest && found.count > 1) {
		shell_input_leave(shell->input);
		shell_columns_print(stdout, &found);
	}
	return rest;
}

static bool explain(void *context, const char *text, size_t size)
{
	const struct shell *shell = context;
	cleanup_with(line_free_p) struct line line = {.count = 0};
	struct complete_place place;

	/* ... the one of an URL, ahead of what is asked of the server, is one as well */
	if (!place_of(shell, text, size, &line, &place) || line.quote ||
	    strstr(place.begin, "://") || complete_is_secret(&place))
		return false;
	shell_input_leave(shell->input);
	complete_explain(&place, stdout);
	fflush(stdout);
	return true;
}

/* What a process of its own needs to know. */
struct call {
	const char *config;
	const struct command *command;
	int count;
	char **words;
};

/* The device is looked at anew each time: it may have changed since. */
static enum exit_status run_call(void *context)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	const struct call *call = context;
	struct verity_error err;

	if (device_open(call->config, &device, &err) < 0)
		return report_error(NULL, &err);
	return command_run(call->command, device, call->count, call->words);
}

static void run_command(const struct shell *shell, const struct command *command,
			const struct line *line, int skipped)
{
	struct call call = {
		.config = shell->config,
		.command = command,
		.count = line->count - skipped,
		.words = (char **)(uintptr_t)(line->words + skipped),
	};
	char name[32];

	/* Messages call it by its whole name. */
	snprintf(name, sizeof(name), "%s", command->name);
	call.words[0] = name;
	if (command_check(command, call.count, call.words) == STATUS_DONE)
		(void)!shell_child_run(run_call, &call);
}

static void act(struct shell *shell, const struct command *command,
		const struct line *line, int skipped)
{
	int count = line->count - skipped;

	switch (command->action) {
	case COMMAND_RUNS:
		run_command(shell, command, line, skipped);
		return;
	case COMMAND_HELPS:
		if (count <= 2)
			(void)!command_help(shell->place,
					    count == 2 ? line->words[skipped + 1] : NULL);
		else
			(void)!command_check(command, count, line->words + skipped);
		return;
	default:
		break;
	}
	if (command_check(command, count, line->words + skipped) != STATUS_DONE)
		return;
	if (command->action == COMMAND_EXITS)
		shell->done = true;
	shell->place = COMMAND_TOP;
}

/* "package" or "do" with nothing behind it. */
static void enter(struct shell *shell, unsigned place)
{
	if (place == COMMAND_PACKAGE)
		shell->place = place;
	else
		(void)!report_hint_usage("do show media", "do: a command is expected");
}

/* A password, as a word or within an URL: it is nothing to be called back. */
static bool has_secret(const struct line *line)
{
	for (int i = 0; i < line->count; i++) {
		const char *word = line->words[i];

		if (strcmp(word, word_info(WORD_PASSWORD)->keyword) == 0 ||
		    (strstr(word, "://") && strchr(word, '@')))
			return true;
	}
	return false;
}

static void take_words(struct shell *shell, const struct line *line)
{
	const struct command *command;
	char *const *words = line->words;
	unsigned place = shell->place;
	int count = line->count;

	command_resolve(&place, &count, &words);
	if (count == 0) {
		enter(shell, place);
		return;
	}
	command = command_pick(place, words[0]);
	if (command)
		act(shell, command, line, line->count - count);
	else
		(void)!command_unknown(place, count, words);
}

static void take_line(struct shell *shell, const char *text)
{
	cleanup_with(line_free_p) struct line line = {.count = 0};
	struct verity_error err;

	if (line_split(text, strcspn(text, "\r\n"), &line, &err) < 0) {
		(void)!report_error(NULL, &err);
		return;
	}
	if (has_secret(&line))
		shell_input_wipe(shell->input, text);
	else if (line.count)
		shell_input_remember(shell->input, text);
	if (line.quote)
		(void)!report_hint_usage("close it", "a %s is open",
					 line.quote == '\\' ? "backslash" : "quote");
	else if (line.count)
		take_words(shell, &line);
}

static void go_up(struct shell *shell)
{
	if (shell->place == COMMAND_TOP)
		shell->done = true;
	shell->place = COMMAND_TOP;
}

static enum exit_status read_lines(const char *config)
{
	struct shell shell = {.config = config, .place = COMMAND_TOP};
	const struct shell_hooks hooks = {prompt, complete, explain, &shell};
	cleanup_with(shell_input_free_p) struct shell_input *input = NULL;
	struct verity_error err;
	const char *text;

	if (shell_input_new(&hooks, &input, &err) < 0)
		return report_error(NULL, &err);
	shell.input = input;
	while (!shell.done) {
		switch (shell_input_read(input, &text)) {
		case SHELL_LINE:
			take_line(&shell, text);
			break;
		case SHELL_DROPPED:
			break;
		case SHELL_TOP:
			shell.place = COMMAND_TOP;
			break;
		case SHELL_UP:
			go_up(&shell);
			break;
		case SHELL_GONE:
			return STATUS_FAILED;
		}
	}
	return STATUS_DONE;
}

enum exit_status shell_run(const char *config)
{
	enum exit_status status;

	shell_signal_begin();
	status = read_lines(config);
	shell_signal_end();
	return status;
}
