/* SPDX-License-Identifier: MIT */
#include "installer/shell/input.h"

#include <errno.h>
#include <histedit.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "installer/common/layout.h"
#include "installer/shell/history.h"
#include "installer/shell/signal.h"
#include "verity/util/cleanup.h"

struct shell_input {
	struct shell_hooks hooks;
	EditLine *edit;                /* NULL: the terminal cannot do that */
	struct shell_history *history; /* NULL without @edit */
	enum shell_got got;            /* by a key that ends the line */
	bool asked; /* by `?`, which is seen where it stands at the end */
	bool left;  /* something was printed below the line */
	char *line; /* owned */
	size_t size;
};

DEFINE_CLEANUP(struct shell_input, shell_input_free);

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

/* Rows of the terminal that are taken, from the prompt's, by so much of the line. */
static size_t count_rows(const struct shell_input *input, const char *text, size_t size)
{
	cleanup_free char *part = strndup(text, size);
	const char *prompt = input->hooks.prompt(input->hooks.context);

	if (!part)
		return 0;
	return (layout_width(prompt) + layout_width(part)) /
	       layout_of(STDOUT_FILENO).width;
}

void shell_input_leave(struct shell_input *input)
{
	const LineInfo *line;
	size_t here, all;

	if (!input->edit)
		return;
	line = el_line(input->edit);
	here = (size_t)(line->cursor - line->buffer);
	all = (size_t)(line->lastchar - line->buffer);
	if (input->asked && here == all)
		putchar('?');
	for (size_t row = count_rows(input, line->buffer, here);
	     row <= count_rows(input, line->buffer, all); row++)
		putchar('\n');
	input->left = true;
}

/* Where something was printed, libedit finds an empty screen below it. */
static unsigned char come_back(struct shell_input *input)
{
	if (!input->left)
		return CC_NORM;
	fflush(stdout);
	input->left = false;
	el_set(input->edit, EL_REFRESH);
	return CC_NORM;
}

static unsigned char on_tab(EditLine *edit, wint_t key)
{
	struct shell_input *input = input_of(edit);
	const LineInfo *line = el_line(edit);
	cleanup_free char *text =
		input->hooks.complete(input->hooks.context, line->buffer,
				      (size_t)(line->cursor - line->buffer));

	(void)key;
	if (!text)
		return come_back(input);
	return el_insertstr(edit, text) < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_question(EditLine *edit, wint_t key)
{
	struct shell_input *input = input_of(edit);
	const LineInfo *line = el_line(edit);
	const char text[] = {(char)key, '\0'};
	bool explained;

	input->asked = true;
	explained = input->hooks.explain(input->hooks.context, line->buffer,
					 (size_t)(line->cursor - line->buffer));
	input->asked = false;
	if (explained)
		return come_back(input);
	return el_insertstr(edit, text) < 0 ? CC_ERROR : CC_REFRESH;
}

static unsigned char on_interrupt(EditLine *edit, wint_t key)
{
	(void)key;
	fputs("^C\n", stdout);
	input_of(edit)->got = SHELL_DROPPED;
	return CC_EOF;
}

static unsigned char on_suspend(EditLine *edit, wint_t key)
{
	(void)key;
	fputs("^Z\n", stdout);
	input_of(edit)->got = SHELL_TOP;
	return CC_EOF;
}

static unsigned char on_end(EditLine *edit, wint_t key)
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

/* What a signal stands for is a key as well, where it can be one. */
static int take_event(EditLine *edit, enum shell_event event, wchar_t *ret)
{
	switch (event) {
	case SHELL_INTERRUPTED:
		*ret = L'\003';
		return 1;
	case SHELL_SUSPENDED:
		*ret = L'\032';
		return 1;
	case SHELL_RESIZED:
		el_resize(edit);
		return 0;
	case SHELL_RESUMED:
		/* It does nothing where it believes that nothing is to be done. */
		el_set(edit, EL_PREP_TERM, 0);
		el_set(edit, EL_PREP_TERM, 1);
		el_set(edit, EL_REFRESH);
		return 0;
	default:
		return -1;
	}
}

/* Whether @byte makes a character whole; what was begun and comes to nothing is dropped.
 */
static bool take_byte(char byte, mbstate_t *state, wchar_t *ret)
{
	bool begun = !mbsinit(state);
	size_t done = mbrtowc(ret, &byte, 1, state);

	if (done != (size_t)-1)
		return done <= 1;
	*state = (mbstate_t){0};
	return begun && mbrtowc(ret, &byte, 1, state) <= 1;
}

/* libedit's own would go on reading after a signal. */
static int get_key(EditLine *edit, wchar_t *ret)
{
	mbstate_t state = {0};

	for (;;) {
		enum shell_event event = shell_signal_wait(STDIN_FILENO);
		char byte;
		ssize_t n;
		int r;

		if (event != SHELL_READY) {
			r = take_event(edit, event, ret);
			if (r)
				return r;
			continue;
		}
		n = read(STDIN_FILENO, &byte, 1);
		if (n <= 0)
			return (int)n;
		if (take_byte(byte, &state, ret))
			return 1;
	}
}

static bool can_edit(void)
{
	const char *terminal = getenv("TERM");

	return terminal && terminal[0] && strcmp(terminal, "dumb") != 0;
}

static bool bind_keys(EditLine *edit)
{
	/* Wide, for of what is not libedit keeps copies that it never frees. */
	static const struct {
		const wchar_t *key, *name;
		unsigned char (*call)(EditLine *edit, wint_t key);
	} keys[] = {
		{L"^I", L"wmopkg-complete", on_tab},
		{L"?", L"wmopkg-explain", on_question},
		{L"^C", L"wmopkg-drop", on_interrupt},
		{L"^Z", L"wmopkg-top", on_suspend},
		{L"^D", L"wmopkg-up-or-delete", on_end},
	};
	/* As people know them from elsewhere, and as terminals send them. */
	static const struct {
		const char *key, *name;
	} others[] = {
		{"^R", "em-inc-search-prev"},
		{"^W", "ed-delete-prev-word"},
		{"^U", "vi-kill-line-prev"},
		{"\\e[3~", "ed-delete-next-char"},
		{"\\e[1~", "ed-move-to-beg"},
		{"\\e[7~", "ed-move-to-beg"},
		{"\\e[4~", "ed-move-to-end"},
		{"\\e[8~", "ed-move-to-end"},
		{"\\e[1;5D", "ed-prev-word"},
		{"\\e[1;5C", "em-next-word"},
		{"\\e[5~", "ed-search-prev-history"},
		{"\\e[6~", "ed-search-next-history"},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (el_wset(edit, EL_ADDFN, keys[i].name, keys[i].name, keys[i].call) <
			    0 ||
		    el_wset(edit, EL_BIND, keys[i].key, keys[i].name, NULL) < 0)
			return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (el_set(edit, EL_BIND, others[i].key, others[i].name, NULL) < 0)
			return false;
	return true;
}

/*
 * Keys that raise signals elsewhere are keys like others while a line is typed. A newline
 * stays one: lines that are pasted may be for a command, which knows no other end.
 */
static bool begin_edit(struct shell_input *input)
{
	input->edit = el_init("wmopkg", stdin, stdout, stderr);
	return input->edit && el_set(input->edit, EL_CLIENTDATA, input) == 0 &&
	       el_set(input->edit, EL_PROMPT, get_prompt) == 0 &&
	       el_set(input->edit, EL_EDITOR, "emacs") == 0 &&
	       el_set(input->edit, EL_HIST, history,
		      shell_history_lines(input->history)) == 0 &&
	       el_set(input->edit, EL_GETCFN, get_key) == 0 &&
	       el_set(input->edit, EL_SETTY, "-d", "-isig", "-inlcr", NULL) == 0 &&
	       bind_keys(input->edit);
}

int shell_input_new(const struct shell_hooks *hooks, struct shell_input **ret,
		    struct verity_error *err)
{
	cleanup_with(shell_input_free_p) struct shell_input *input =
		calloc(1, sizeof(*input));

	if (!input)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	input->hooks = *hooks;
	/* What is typed ahead is for whoever asks next, not for who reads a line now. */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (can_edit() && shell_history_new(getenv("HOME"), &input->history, err) < 0)
		return -ENOMEM;
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
	shell_history_free(input->history);
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

static enum shell_got tell_plain(enum shell_got got)
{
	putchar('\n');
	return got;
}

static enum shell_got read_plain(struct shell_input *input, const char **ret)
{
	enum shell_event event;

	fputs(input->hooks.prompt(input->hooks.context), stdout);
	fflush(stdout);
	do
		event = shell_signal_wait(STDIN_FILENO);
	while (event == SHELL_RESIZED || event == SHELL_RESUMED);
	if (event == SHELL_ENDED)
		return tell_plain(SHELL_GONE);
	if (event == SHELL_INTERRUPTED)
		return tell_plain(SHELL_DROPPED);
	if (event == SHELL_SUSPENDED)
		return tell_plain(SHELL_TOP);
	if (getline(&input->line, &input->size, stdin) < 0) {
		bool at_end = feof(stdin);

		clearerr(stdin);
		return tell_plain(at_end ? SHELL_UP : SHELL_GONE);
	}
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

	shell_signal_forget();
	if (input->edit)
		return read_edited(input, ret);
	/* Where no key can be seen by itself, a `?` at the end of a line is one. */
	while ((got = read_plain(input, ret)) == SHELL_LINE && ask_plain(input, *ret))
		continue;
	return got;
}

/* Only read, libedit says; yet nobody else can wipe it. */
static void wipe(const void *bytes, size_t size)
{
	explicit_bzero((void *)(uintptr_t)bytes, size);
}

void shell_input_wipe(struct shell_input *input, const char *line)
{
	const LineInfoW *kept = input->edit ? el_wline(input->edit) : NULL;

	wipe(line, strlen(line));
	if (kept)
		wipe(kept->buffer,
		     (size_t)((const char *)kept->lastchar - (const char *)kept->buffer));
}

void shell_input_remember(struct shell_input *input, const char *line)
{
	if (input->edit)
		shell_history_add(input->history, line);
}
