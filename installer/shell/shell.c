/* SPDX-License-Identifier: MIT */

/* The interactive shell: its contexts, completion of a line, and the way to a command. */

#include "installer/shell/shell.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "installer/grammar/split_words.h"
#include "installer/shell/child.h"
#include "installer/shell/columns.h"
#include "installer/shell/complete.h"
#include "installer/shell/input.h"
#include "installer/shell/signal.h"
#include "verity/util/cleanup.h"

#define HOST_BYTES       65
#define PROMPT_BYTES     (HOST_BYTES + 16)
#define SCRIPT_BYTES_MAX (1 << 20)

struct shell {
	const char *config;
	unsigned context; /* COMMAND_TOP or COMMAND_PACKAGE */
	bool done;
	struct shell_input *input; /* NULL: a script */
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
static enum exit_status run(struct shell *shell, const struct command *command, int count,
			    char **words)
{
	enum exit_status status;

	if (command->action == COMMAND_HELPS && count <= 2)
		return command_help(shell->context, words[1]);
	status = command_check(command, count, words, NULL);
	if (status != STATUS_DONE)
		return status;
	if (command->action == COMMAND_RUNS)
		return shell_child_run(shell->config, command, count, words);
	shell->done = command->action == COMMAND_EXITS;
	shell->context = COMMAND_TOP;
	return STATUS_DONE;
}

/* A line with a password is not kept. */
static void remember(struct shell *shell, const struct line *line, const char *text)
{
	bool secret = false; /* as a word or within a URL */

	for (int i = 0; i < line->count; i++)
		secret = secret || word_may_be(WORD_PASSWORD, line->words[i]) ||
			 (strstr(line->words[i], "://") && strchr(line->words[i], '@'));
	if (secret)
		shell_input_wipe(shell->input, text);
	else if (line->count)
		shell_input_remember(shell->input, text);
}

static enum exit_status take_line(struct shell *shell, const char *text)
{
	cleanup_with(line_free) struct line line = {.count = 0};
	const struct command *command;
	char *const *words = line.words;
	unsigned context = shell->context;
	struct verity_error err;
	int count;

	if (line_split(text, strcspn(text, "\r\n"), &line, &err) < 0)
		return report_error(NULL, &err);
	if (shell->input)
		remember(shell, &line, text);
	if (line.quote)
		return line.quote == '\\'
			       ? report_hint_usage("remove it",
						   "the line ends with a backslash")
			       : report_hint_usage("close it", "a quote is not closed");
	if (line.count == 0)
		return STATUS_DONE;
	count = line.count;
	command_resolve(&context, &count, &words);
	if (count == 0 && context == COMMAND_PACKAGE) {
		shell->context = context;
		return STATUS_DONE;
	}
	if (count == 0 && context == COMMAND_ONCE)
		return report_usage("a command is expected");
	if (count == 0)
		return report_hint_usage("do show media", "do: a command is expected");
	command = command_pick(context, words[0]);
	if (!command)
		return command_unknown(context, count, words);
	return run(shell, command, count, line.words + line.count - count);
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
			(void)!take_line(&shell, text);
			break;
		case SHELL_REFUSED:
			shell_input_wipe(input, text);
			(void)!report_hint_usage(
				"set the terminal to UTF-8, and type the line again",
				"nothing was run: the line has bytes that are not UTF-8");
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

/* Standard input as a file, so that a line has a number, whoever read those before it. */
static int keep_input(struct verity_error *err)
{
	cleanup_fd int fd = memfd_create("script", MFD_CLOEXEC);
	char part[4096];
	size_t size = 0;
	ssize_t n = -1;

	while (fd >= 0 && (n = read(STDIN_FILENO, part, sizeof(part))) > 0 &&
	       write(fd, part, (size_t)n) == n)
		if ((size += (size_t)n) > SCRIPT_BYTES_MAX)
			return verity_fail(
				err, VERITY_E_TOO_MANY,
				"standard input has over %d bytes of commands (split them)",
				SCRIPT_BYTES_MAX);
	explicit_bzero(part, sizeof(part));
	if (n != 0 || lseek(fd, 0, SEEK_SET) < 0 || dup2(fd, STDIN_FILENO) < 0)
		return verity_fail_errno(err, errno, "standard input");
	return 0;
}

/* The number of the line that begins at an offset of standard input. */
static size_t line_number(off_t offset)
{
	size_t number = 1;
	char c;

	for (off_t at = 0; at < offset && pread(STDIN_FILENO, &c, 1, at) == 1; at++)
		number += c == '\n';
	return number;
}

enum exit_status shell_run_script(const char *config)
{
	struct shell shell = {.config = config, .context = COMMAND_TOP};
	enum exit_status status = STATUS_DONE;
	cleanup_free char *text = NULL;
	struct verity_error err;
	size_t size = 0;
	off_t offset = 0;
	bool any = false;

	if (keep_input(&err) < 0)
		return report_error(NULL, &err);
	/* Each command finds the answers to its questions behind its own line. */
	setvbuf(stdin, NULL, _IONBF, 0);
	shell_signal_begin();
	while (status == STATUS_DONE && !shell.done &&
	       (offset = lseek(STDIN_FILENO, 0, SEEK_CUR)) >= 0 &&
	       getline(&text, &size, stdin) >= 0) {
		any = any || text[strspn(text, " \t\r\n")];
		status = take_line(&shell, text);
		explicit_bzero(text, size);
	}
	shell_signal_end();
	if (status != STATUS_DONE)
		report_warning("line %zu failed; the lines after it were not run",
			       line_number(offset));
	return any ? status : report_usage("a command is expected");
}
