/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The command table of wmopkg. The parser, the shell, completion, help and the man page
 * are all made of it.
 */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "installer/grammar/grammar.h"

/* Where a command may be typed. */
enum command_context {
	COMMAND_ONCE = 1 << 0,    /* wmopkg COMMAND */
	COMMAND_TOP = 1 << 1,     /* the top level of the shell */
	COMMAND_PACKAGE = 1 << 2, /* the package context of the shell */
};

/* What the shell does by itself. */
enum command_action {
	COMMAND_RUNS, /* nothing: it calls command.run() */
	COMMAND_ENTERS,
	COMMAND_DOES,
	COMMAND_LEAVES,
	COMMAND_ENDS,
	COMMAND_EXITS,
	COMMAND_HELPS,
};

struct command {
	const char *name;
	const struct form *const *forms; /* NULL-terminated */
	const char *help;                /* one line */
	unsigned contexts;               /* bits: command_context */
	/* NULL where there is an action instead */
	enum exit_status (*run)(struct device *device, const struct words *words);
	enum command_action action;
	bool paged; /* what it prints on a terminal is shown page by page */
};

/**
 * command_at - row @index of the command table
 *
 * Return: a constant; NULL after the last.
 */
const struct command *command_at(size_t index);

/**
 * command_find - the command called @name, in any case; NULL where there is none
 */
const struct command *command_find(const char *name);
