/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines from a terminal: edited with libedit where the terminal supports that, else as
 * the kernel delivers them.
 */

#include "verity/util/error.h"

struct shell_input;

enum shell_got {
	SHELL_LINE,
	SHELL_REFUSED, /* a line, of which bytes that were typed are missing */
	SHELL_DROPPED, /* Ctrl-C */
	SHELL_TOP,     /* Ctrl-Z */
	SHELL_UP,      /* Ctrl-D, or the end of the input */
	SHELL_GONE,    /* reading failed, or the terminal is gone */
};

struct shell_hooks {
	/* The prompt; borrowed until the next call */
	const char *(*prompt)(void *context);
	/* Tab after @size bytes; returns what to insert there, free(); NULL: nothing */
	char *(*complete)(void *context, const char *text, size_t size);
	/* `?` there; false: insert it as a character */
	bool (*explain)(void *context, const char *text, size_t size);
	void *context; /* borrowed */
};

/**
 * shell_input_new - begin to read from standard input
 * @hooks: copied
 * @ret:   set on success only; shell_input_free() restores the terminal
 */
int shell_input_new(const struct shell_hooks *hooks, struct shell_input **ret,
		    struct verity_error *err) must_check;

void shell_input_free(struct shell_input *input);

/**
 * shell_input_read - the next line
 * @ret: without its end of line; borrowed until the next call; set for SHELL_LINE and
 *       SHELL_REFUSED only
 */
enum shell_got shell_input_read(struct shell_input *input, const char **ret);

/**
 * shell_input_leave - for the hooks: begin a line below the edited one, to print there
 */
void shell_input_leave(struct shell_input *input);

/**
 * shell_input_remember - put a line into the history
 */
void shell_input_remember(struct shell_input *input, const char *line);

/**
 * shell_input_wipe - overwrite the line of shell_input_read(), which held a secret
 *
 * libedit keeps its copy of the screen as long as the line is shown there.
 */
void shell_input_wipe(struct shell_input *input, const char *line);
