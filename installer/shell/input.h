/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Lines from a terminal: edited with libedit where the terminal can do that, else as the
 * kernel gives them.
 */

#include "verity/util/error.h"

struct shell_input;

enum shell_got {
	SHELL_LINE,
	SHELL_DROPPED, /* Ctrl-C */
	SHELL_TOP,     /* Ctrl-Z */
	SHELL_UP,      /* Ctrl-D, or there is nobody any more */
	SHELL_GONE,    /* reading failed, or the terminal is gone */
};

/* What the input asks its owner for. */
struct shell_hooks {
	const char *(*prompt)(void *context); /* borrowed until it is asked again */
	/* Tab at the end of @size bytes; what to insert there, free(); NULL: nothing */
	char *(*complete)(void *context, const char *text, size_t size);
	/* `?` there; false: it is a character like any other */
	bool (*explain)(void *context, const char *text, size_t size);
	void *context; /* borrowed */
};

/**
 * shell_input_new - begin to read from standard input
 * @hooks: copied
 * @ret:   set on success alone; shell_input_free() leaves the terminal as it was
 */
int shell_input_new(const struct shell_hooks *hooks, struct shell_input **ret,
		    struct verity_error *err) must_check;

void shell_input_free(struct shell_input *input);

/**
 * shell_input_read - the next line
 * @ret: without its end of line; borrowed until the next call; set for SHELL_LINE alone
 */
enum shell_got shell_input_read(struct shell_input *input, const char **ret);

/**
 * shell_input_leave - for the hooks: begin a line below what is edited, to print there
 */
void shell_input_leave(struct shell_input *input);

/**
 * shell_input_remember - put a line into the history
 */
void shell_input_remember(struct shell_input *input, const char *line);

/**
 * shell_input_wipe - overwrite the line that shell_input_read() gave: it held a secret
 *
 * What libedit has drawn on the screen it remembers as long as it is seen there.
 */
void shell_input_wipe(struct shell_input *input, const char *line);
