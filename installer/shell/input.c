/* SPDX-License-Identifier: MIT */

/* Reads lines from the terminal, with libedit or without. */

#include "installer/shell/input.h"

#include <errno.h>
#include <histedit.h>
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "installer/common/layout.h"
#include "installer/shell/history.h"
#include "installer/shell/signal.h"
#include "installer/shell/wide.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

struct shell_input {
	struct shell_hooks hooks;
	EditLine *edit;                /* NULL: the terminal cannot do that */
	struct shell_history *history; /* NULL without @edit */
	enum shell_got got;            /* of the key that ended the line */
	bool asked;                    /* `?` was typed, and is to be shown */
	bool left;                     /* something was printed below the line */
	bool refused;                  /* a byte of the line is not in it */
	char *line;                    /* owned */
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

	/* libedit does not write to it, but its type is not const. */
	return (char *)(uintptr_t)input->hooks.prompt(input->hooks.context);
}

/* Rows of the terminal, below the one of the prompt, that @count characters take. */
static size_t count_rows(const struct shell_input *input, const wchar_t *text,
			 size_t count)
{
	cleanup_free char *part = shell_wide_encode(text, count);
	const char *prompt = input->hooks.prompt(input->hooks.context);

	return part ? (layout_width(prompt) + layout_width(part)) /
			       layout_of(STDOUT_FILENO).width
		    : 0;
}

void shell_input_leave(struct shell_input *input)
{
	const LineInfoW *line;
	size_t here, all;

	if (!input->edit)
		return;
	line = el_wline(input->edit);
	here = (size_t)(line->cursor - line->buffer);
	all = (size_t)(line->lastchar - line->buffer);
	if (input->asked && here == all)
		putchar('?');
	for (size_t row = count_rows(input, line->buffer, here);
	     row <= count_rows(input, line->buffer, all); row++)
		putchar('\n');
	input->left = true;
}

/* The text before the cursor; free(). */
static char *text_before(EditLine *edit)
{
	const LineInfoW *line = el_wline(edit);

	return shell_wide_encode(line->buffer, (size_t)(line->cursor - line->buffer));
}

/*
 * Inserts @text. NULL: where something was printed, libedit draws the line again below
 * it.
 */
static unsigned char end_key(struct shell_input *input, const char *text)
{
	if (text) {
		cleanup_free wchar_t *wide = shell_wide_decode(text);

		return !wide || el_winsertstr(input->edit, wide) < 0 ? CC_ERROR
								     : CC_REFRESH;
	}
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
	cleanup_free char *before = text_before(edit);
	cleanup_free char *text = before ? input->hooks.complete(input->hooks.context,
								 before, strlen(before))
					 : NULL;

	(void)key;
	return end_key(input, text);
}

static unsigned char on_question(EditLine *edit, wint_t key)
{
	struct shell_input *input = input_of(edit);
	cleanup_free char *before = text_before(edit);
	const char text[] = {(char)key, '\0'};
	bool explained;

	input->asked = true;
	explained = before &&
		    input->hooks.explain(input->hooks.context, before, strlen(before));
	input->asked = false;
	return end_key(input, explained ? NULL : text);
}

/* Ctrl-C, Ctrl-Z, and Ctrl-D on an empty line. */
static unsigned char on_end(EditLine *edit, wint_t key)
{
	struct shell_input *input = input_of(edit);
	const LineInfoW *line = el_wline(edit);

	if (key == L'\004' && line->lastchar > line->buffer) {
		el_cursor(edit, 1);
		if (line->cursor < line->lastchar)
			el_deletestr(edit, 1);
		return CC_REFRESH;
	}
	if (key == L'\003')
		input->got = SHELL_DROPPED;
	else
		input->got = key == L'\032' ? SHELL_TOP : SHELL_UP;
	fputs(key == L'\003' ? "^C\n" : key == L'\032' ? "^Z\n" : "\n", stdout);
	return CC_EOF;
}

/* The key that a signal stands for: 1; 0: none, go on; -1: the shell ends. */
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
		/* libedit sets the terminal only where it believes it to be unset. */
		el_set(edit, EL_PREP_TERM, 0);
		el_set(edit, EL_PREP_TERM, 1);
		el_set(edit, EL_REFRESH);
		return 0;
	default:
		return -1;
	}
}

static void refuse_byte(EditLine *edit)
{
	input_of(edit)->refused = true;
	el_beep(edit);
}

/*
 * libedit's own function would continue to read after a signal, and knows UTF-8 only in a
 * locale that has it. A byte that is no part of a character is refused with a bell, and
 * so is the line it was typed in.
 */
static int get_key(EditLine *edit, wchar_t *ret)
{
	char bytes[VERITY_TEXT_BYTES];
	size_t count = 0;

	for (;;) {
		enum shell_event event = shell_signal_wait(STDIN_FILENO);
		uint32_t character;
		ssize_t n;
		int r;

		if (event != SHELL_READY) {
			r = take_event(edit, event, ret);
			if (r)
				return r;
			continue;
		}
		n = read(STDIN_FILENO, &bytes[count], 1);
		if (n <= 0)
			return (int)n;
		/* Neither is what came before it a character. */
		if (count > 0 && (bytes[count] & 0xc0) != 0x80) {
			bytes[0] = bytes[count];
			count = 0;
			refuse_byte(edit);
		}
		count++;
		if (verity_text_decode(bytes, count, &character) > 0) {
			*ret = (wchar_t)character;
			return 1;
		}
		if (count == sizeof(bytes) || (bytes[0] & 0xc0) != 0xc0) {
			count = 0;
			refuse_byte(edit);
		}
	}
}

static bool bind_keys(EditLine *edit)
{
	/* Wide characters: of others libedit keeps copies that it never frees. */
	static const struct {
		const wchar_t *key, *name;
		unsigned char (*call)(EditLine *edit, wint_t key);
	} keys[] = {
		{L"^I", L"wmopkg-complete", on_tab},
		{L"?", L"wmopkg-explain", on_question},
		{L"^C", L"wmopkg-drop", on_end},
		{L"^Z", L"wmopkg-top", on_end},
		{L"^D", L"wmopkg-up-or-delete", on_end},
	};
	/* As in other shells, and as terminals send them. */
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
	/* Without a locale libedit takes these for keys with Meta. */
	for (wchar_t key[] = {0xa0, L'\0'}; key[0] <= 0xff; key[0]++)
		if (el_wset(edit, EL_BIND, key, L"ed-insert", NULL) < 0)
			return false;
	return true;
}

/*
 * Keys that raise signals are normal keys while a line is typed. A newline is not changed
 * to a carriage return: pasted lines may be input of a command, which expects newlines.
 */
int shell_input_new(const struct shell_hooks *hooks, struct shell_input **ret,
		    struct verity_error *err)
{
	cleanup_with(shell_input_free_p) struct shell_input *input =
		calloc(1, sizeof(*input));
	const char *terminal = getenv("TERM");
	HistoryW *lines;

	if (!input)
		return verity_no_memory(err);
	input->hooks = *hooks;
	/* What is typed ahead is for the next reader, which may be a command. */
	setvbuf(stdin, NULL, _IONBF, 0);
	if (terminal && terminal[0] && strcmp(terminal, "dumb") != 0) {
		/* Only for what libedit shows: without it, ü is shown as \\U+00FC. */
		setlocale(LC_CTYPE, "C.UTF-8");
		if (shell_history_new(getenv("HOME"), &input->history, &lines, err) < 0)
			return -ENOMEM;
		input->edit = el_init("wmopkg", stdin, stdout, stderr);
		if (!input->edit || el_set(input->edit, EL_CLIENTDATA, input) != 0 ||
		    el_set(input->edit, EL_PROMPT, get_prompt) != 0 ||
		    el_set(input->edit, EL_EDITOR, "emacs") != 0 ||
		    el_wset(input->edit, EL_HIST, history_w, lines) != 0 ||
		    el_set(input->edit, EL_GETCFN, get_key) != 0 ||
		    el_set(input->edit, EL_SETTY, "-d", "-isig", "-inlcr", NULL) != 0 ||
		    !bind_keys(input->edit))
			return verity_fail(err, VERITY_E_IO, "the terminal");
	}
	*ret = steal_ptr(&input);
	return 0;
}

static void forget_line(struct shell_input *input)
{
	if (input->line)
		explicit_bzero(input->line, input->size);
	free(input->line);
	input->line = NULL;
	input->size = 0;
}

void shell_input_free(struct shell_input *input)
{
	if (!input)
		return;
	if (input->edit)
		el_end(input->edit);
	shell_history_free(input->history);
	forget_line(input);
	free(input);
}

static enum shell_got read_plain(struct shell_input *input, const char **ret)
{
	enum shell_event event;
	enum shell_got got;

	fputs(input->hooks.prompt(input->hooks.context), stdout);
	fflush(stdout);
	do
		event = shell_signal_wait(STDIN_FILENO);
	while (event == SHELL_RESIZED || event == SHELL_RESUMED);
	if (event == SHELL_READY && getline(&input->line, &input->size, stdin) >= 0) {
		*ret = input->line;
		return SHELL_LINE;
	}
	if (event == SHELL_INTERRUPTED)
		got = SHELL_DROPPED;
	else if (event == SHELL_SUSPENDED)
		got = SHELL_TOP;
	else
		got = event == SHELL_READY && feof(stdin) ? SHELL_UP : SHELL_GONE;
	clearerr(stdin);
	putchar('\n');
	return got;
}

enum shell_got shell_input_read(struct shell_input *input, const char **ret)
{
	const wchar_t *wide;
	enum shell_got got;
	int count = 0;

	shell_signal_forget();
	if (input->edit) {
		input->got = SHELL_LINE;
		input->refused = false;
		/* Before the prompt: who sees it may press a key at once. */
		el_set(input->edit, EL_PREP_TERM, 1);
		wide = el_wgets(input->edit, &count);
		if (input->got != SHELL_LINE)
			return input->got;
		forget_line(input);
		if (wide && count > 0)
			input->line = shell_wide_encode(wide, (size_t)count);
		if (!input->line)
			return SHELL_GONE;
		input->size = strlen(input->line) + 1;
		*ret = input->line;
		return input->refused ? SHELL_REFUSED : SHELL_LINE;
	}
	/* Keys are not seen one by one here: `?` counts at the end of a line. */
	while ((got = read_plain(input, ret)) == SHELL_LINE) {
		size_t size = strcspn(*ret, "\r\n");

		if (!size || (*ret)[size - 1] != '?' ||
		    !input->hooks.explain(input->hooks.context, *ret, size - 1))
			break;
	}
	return got;
}

void shell_input_wipe(struct shell_input *input, const char *line)
{
	const LineInfoW *kept = input->edit ? el_wline(input->edit) : NULL;

	/* The buffers of libedit are const, but only the shell can wipe them. */
	explicit_bzero((void *)(uintptr_t)line, strlen(line));
	if (kept)
		explicit_bzero((void *)(uintptr_t)kept->buffer,
			       (size_t)((const char *)kept->lastchar -
					(const char *)kept->buffer));
}

void shell_input_remember(struct shell_input *input, const char *line)
{
	if (input->edit)
		shell_history_add(input->history, line);
}
