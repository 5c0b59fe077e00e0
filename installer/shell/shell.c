/* SPDX-License-Identifier: MIT */

/* The interactive shell: its contexts, completion of a line, and the way to a command. */

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
	unsigned context; /* COMMAND_TOP or COMMAND_PACKAGE */
	bool done;
	struct shell_input *input;
	char prompt[PROMPT_BYTES];
};

DEFINE_CLEANUP(struct shell_input, shell_input_free);

static const char *prompt(void *context)
{
	struct shell *shell = context;
	char host[HOST_BYTES] = "";

	if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
		snprintf(host, sizeof(host), "device");
	host[strcspn(host, ".")] = '\0';
	snprintf(shell->prompt, sizeof(shell->prompt), "%s:/%s#> ", host,
		 shell->context == COMMAND_PACKAGE ? "package/" : "");
	return shell->prompt;
}

/* The position after @size typed bytes; its words stay in @line. */
static bool find_position(const struct shell *shell, const char *text, size_t size,
			  struct line *line, struct complete_at *ret)
{
	struct verity_error unused;

	if (line_split(text, size, line, &unused) < 0 || line->comment)
		return false;
	*ret = (struct complete_at){
		.config = shell->config,
		.context = shell->context,
		.words = line->words,
		.count = line->count - line->open,
		.begin = line->open ? line->words[line->count - 1] : "",
	};
	return true;
}

static char *complete(void *context, const char *text, size_t size)
{
	const struct shell *shell = context;
	cleanup_with(line_free) struct line line = {.count = 0};
	cleanup_with(candidates_free) struct candidates found = {.count = 0};
	cleanup_free char *rest = NULL;
	cleanup_free char *quoted = NULL;
	struct complete_at at;
	struct verity_error unused;
	const struct candidate *first;
	size_t known, count, bytes;
	char *ret = NULL;
	char quote;

	if (!find_position(shell, text, size, &line, &at) ||
	    complete_find(&at, &found, &unused) < 0 || found.count == 0)
		return NULL;
	count = candidates_insert(&found, &first, &bytes);
	/* What these have in common and is not typed yet, quoted like the rest. */
	known = strlen(at.begin);
	quote = line.quote;
	if (quote == '\\')
		quote = '\0';
	rest = count ? strndup(first->text + known, bytes - known) : strdup("");
	if (!rest || line_quote(rest, quote, &quoted, &unused) < 0)
		return NULL;
	if (count == 1 && !first->more)
		return asprintf(&ret, "%s%.*s ", quoted, quote ? 1 : 0, &quote) < 0 ? NULL
										    : ret;
	if (!quoted[0] && (count != 1 || found.count > 1)) {
		shell_input_leave(shell->input);
		shell_columns_print(stdout, &found);
	}
	return quoted[0] ? steal_ptr(&quoted) : NULL;
}

static bool explain(void *context, const char *text, size_t size)
{
	const struct shell *shell = context;
	cleanup_with(line_free) struct line line = {.count = 0};
	struct complete_at at;

	/* A `?` in quotes, in a URL or in a password is a character. */
	if (!find_position(shell, text, size, &line, &at) || line.quote ||
	    strstr(at.begin, "://") || complete_is_secret(&at))
		return false;
	shell_input_leave(shell->input);
	complete_explain(&at, stdout);
	fflush(stdout);
	return true;
}

/* @words: @count, of @line, from the name of the command on. */
static void run(struct shell *shell, const struct command *command, int count,
		char **words)
{
	if (command->action == COMMAND_HELPS && count <= 2) {
		(void)!command_help(shell->context, words[1]);
		return;
	}
	if (command_check(command, count, words, NULL) != STATUS_DONE)
		return;
	if (command->action == COMMAND_RUNS) {
		shell_child_run(shell->config, command, count, words);
		return;
	}
	shell->done = command->action == COMMAND_EXITS;
	shell->context = COMMAND_TOP;
}

static void take_line(struct shell *shell, const char *text)
{
	cleanup_with(line_free) struct line line = {.count = 0};
	const struct command *command;
	char *const *words = line.words;
	unsigned context = shell->context;
	bool secret = false; /* a password, as a word or within a URL */
	struct verity_error err;
	int count;

	if (line_split(text, strcspn(text, "\r\n"), &line, &err) < 0) {
		(void)!report_error(NULL, &err);
		return;
	}
	for (int i = 0; i < line.count; i++)
		secret = secret || word_may_be(WORD_PASSWORD, line.words[i]) ||
			 (strstr(line.words[i], "://") && strchr(line.words[i], '@'));
	if (secret)
		shell_input_wipe(shell->input, text);
	else if (line.count)
		shell_input_remember(shell->input, text);
	if (line.quote)
		(void)!(line.quote == '\\'
				? report_hint_usage("remove it",
						    "the line ends with a backslash")
				: report_hint_usage("close it", "a quote is not closed"));
	if (line.quote || line.count == 0)
		return;
	count = line.count;
	command_resolve(&context, &count, &words);
	if (count == 0 && context == COMMAND_PACKAGE) {
		shell->context = context;
	} else if (count == 0) {
		(void)!report_hint_usage("do show media", "do: a command is expected");
	} else {
		command = command_pick(context, words[0]);
		if (command)
			run(shell, command, count, line.words + line.count - count);
		else
			(void)!command_unknown(context, count, words);
	}
}

static enum exit_status read_lines(const char *config)
{
	struct shell shell = {.config = config, .context = COMMAND_TOP};
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
		case SHELL_UP:
			shell.done = shell.context == COMMAND_TOP;
			shell.context = COMMAND_TOP;
			break;
		case SHELL_TOP:
			shell.context = COMMAND_TOP;
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
