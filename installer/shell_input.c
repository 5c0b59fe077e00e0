/* SPDX-License-Identifier: MIT */
#include "installer/shell_input.h"

#include <errno.h>
#include <histedit.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "verity/cleanup.h"

#define HISTORY_LINES 500

struct shell_input {
	struct shell_hooks hooks;
	EditLine *edit; /* NULL: the terminal cannot do that */
	History *history;
	HistEvent event;
	enum shell_got got; /* by a key that ends the line */
	char *line;         /* owned */
	size_t size;
};

DEFINE_CLEANUP(struct shell_input, shell_input_free);

static const int signals[] = {SIGINT, SIGTSTP, SIGQUIT};

#define SIGNAL_COUNT (sizeof(signals) / sizeof(signals[0]))

static volatile sig_atomic_t caught;

/* Without SA_RESTART, so that whoever waits for somebody to type is told. */
static void catch_signal(int number)
{
	caught = number;
}

static struct shell_input *input_of(EditLine *edit)
{
	void *input = NULL;

	el_get(edit, EL_CLIENTDATA, &input);
	return input;
}

static char *get_prompt(EditLine *edit)
{
	struct shell_input *input = input_of(edit);

	/* Only read, though libedit does not say so. */
	return (char *)(uintptr_t)input->hooks.prompt(input->hooks.context);
}

static unsigned char on_tab(EditLine *edit, int key)
{
	struct shell_input *input = input_of(edit);
	const LineInfo *line = el_line(edit);
	cleanup_free char *text =
		input->hooks.complete(input->hooks.context, line->buffer,
				      (size_t)(line->cursor - line->buffer));

	(void)key;
	if (!text)
		return CC_REDISPLAY;
	return el_insertstr(edit, text) < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_question(EditLine *edit, int key)
{
	struct shell_input *input = input_of(edit);
	const LineInfo *line = el_line(edit);
	const char text[] = {(char)key, '\0'};

	if (input->hooks.explain(input->hooks.context, line->buffer,
				 (size_t)(line->cursor - line->buffer)))
		return CC_REDISPLAY;
	return el_insertstr(edit, text) < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_interrupt(EditLine *edit, int key)
{
	(void)key;
	fputs("^C\n", stdout);
	input_of(edit)->got = SHELL_DROPPED;
	return CC_EOF;
}

static unsigned char on_suspend(EditLine *edit, int key)
{
	(void)key;
	fputs("^Z\n", stdout);
	input_of(edit)->got = SHELL_TOP;
	return CC_EOF;
}

static unsigned char on_end(EditLine *edit, int key)
{
	const LineInfo *line = el_line(edit);

	(void)key;
	if (line->lastchar > line->buffer) {
		el_cursor(edit, 1);
		if (line->cursor < line->lastchar)
			el_deletestr(edit, 1);
		return CC_REFRESH;
	}
	putchar('\n');
	input_of(edit)->got = SHELL_UP;
	return CC_EOF;
}

static bool can_edit(void)
{
	const char *terminal = getenv("TERM");

	return terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
}

static bool bind_keys(EditLine *edit)
{
	static const struct {
		const char *key, *name;
		unsigned char (*call)(EditLine *edit, int key);
	} keys[] = {
		{"^I", "wmopkg-complete", on_tab},
		{"?", "wmopkg-explain", on_question},
		{"^C", "wmopkg-drop", on_interrupt},
		{"^Z", "wmopkg-top", on_suspend},
		{"^D", "wmopkg-up-or-delete", on_end},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (el_set(edit, EL_ADDFN, keys[i].name, keys[i].name, keys[i].call) <
			    0 ||
		    el_set(edit, EL_BIND, keys[i].key, keys[i].name, NULL) < 0)
			return false;
	return el_set(edit, EL_BIND, "^R", "em-inc-search-prev", NULL) == 0;
}

/* Keys that raise signals elsewhere are keys like others while a line is typed. */
static bool begin_edit(struct shell_input *input)
{
	input->history = history_init();
	input->edit = el_init("wmopkg", stdin, stdout, stderr);
	return input->history && input->edit &&
	       history(input->history, &input->event, H_SETSIZE, HISTORY_LINES) >= 0 &&
	       el_set(input->edit, EL_CLIENTDATA, input) == 0 &&
	       el_set(input->edit, EL_PROMPT, get_prompt) == 0 &&
	       el_set(input->edit, EL_EDITOR, "emacs") == 0 &&
	       el_set(input->edit, EL_HIST, history, input->history) == 0 &&
	       el_set(input->edit, EL_SIGNAL, 1) == 0 &&
	       el_set(input->edit, EL_SETTY, "-d", "-isig", NULL) == 0 &&
	       bind_keys(input->edit);
}

int shell_input_new(const struct shell_hooks *hooks, struct shell_input **ret,
		    struct verity_error *err)
{
	const struct sigaction action = {.sa_handler = catch_signal};
	cleanup_with(shell_input_free_p) struct shell_input *input =
		calloc(1, sizeof(*input));

	if (!input)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	input->hooks = *hooks;
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaction(signals[i], &action, NULL);
	if (can_edit() && !begin_edit(input))
		return verity_fail(err, VERITY_E_IO, "the terminal");
	*ret = steal_ptr(&input);
	return 0;
}

void shell_input_free(struct shell_input *input)
{
	if (!input)
		return;
	if (input->edit)
		el_end(input->edit);
	if (input->history)
		history_end(input->history);
	if (input->line)
		explicit_bzero(input->line, input->size);
	free(input->line);
	free(input);
}

static enum shell_got read_edited(struct shell_input *input, const char **ret)
{
	int count = 0;

	input->got = SHELL_LINE;
	/* Before the prompt: who sees it may press a key at once. */
	el_set(input->edit, EL_PREP_TERM, 1);
	*ret = el_gets(input->edit, &count);
	if (input->got != SHELL_LINE)
		return input->got;
	return *ret && count > 0 ? SHELL_LINE : SHELL_GONE;
}

/* A signal that comes just before we wait must not be slept through. */
static bool wait_for_line(void)
{
	struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
	sigset_t ours, before;
	int ready = -1;

	sigemptyset(&ours);
	for (size_t i = 0; i < SIGNAL_COUNT; i++)
		sigaddset(&ours, signals[i]);
	sigprocmask(SIG_BLOCK, &ours, &before);
	if (!caught)
		ready = ppoll(&terminal, 1, NULL, &before);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return ready > 0;
}

static enum shell_got why_no_line(void)
{
	bool at_end = feof(stdin);
	int number = caught;

	clearerr(stdin);
	putchar('\n');
	if (number == SIGINT || number == SIGQUIT)
		return SHELL_DROPPED;
	if (number == SIGTSTP)
		return SHELL_TOP;
	return at_end ? SHELL_UP : SHELL_GONE;
}

static enum shell_got read_plain(struct shell_input *input, const char **ret)
{
	caught = 0;
	fputs(input->hooks.prompt(input->hooks.context), stdout);
	fflush(stdout);
	if (!wait_for_line() || getline(&input->line, &input->size, stdin) < 0)
		return why_no_line();
	*ret = input->line;
	return SHELL_LINE;
}

static bool ask_plain(struct shell_input *input, const char *line)
{
	size_t size = strcspn(line, "\r\n");

	return size && line[size - 1] == '?' &&
	       input->hooks.explain(input->hooks.context, line, size - 1);
}

enum shell_got shell_input_read(struct shell_input *input, const char **ret)
{
	enum shell_got got;

	if (input->edit)
		return read_edited(input, ret);
	/* Where no key can be seen by itself, a `?` at the end of a line is one. */
	while ((got = read_plain(input, ret)) == SHELL_LINE && ask_plain(input, *ret))
		continue;
	return got;
}

void shell_input_remember(struct shell_input *input, const char *line)
{
	if (input->edit)
		history(input->history, &input->event, H_ENTER, line);
}
