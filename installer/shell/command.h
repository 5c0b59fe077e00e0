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
};

/**
 * command_at - row @index of the command table
 *
 * Return: a constant; NULL after the last.
 */
const struct command *command_at(size_t index);

/**
 * command_find - the command called @name; NULL where there is none
 */
const struct command *command_find(const char *name);

/**
 * command_pick - the command that @name means in a context: the whole name, or the start
 * of exactly one; NULL where there is none, or more than one
 */
const struct command *command_pick(unsigned context, const char *name);

/**
 * command_resolve - follow leading "do" and "package" to the command that is meant
 * @context:       command_context that the words were typed in; changed to the one of the
 *                 command
 * @count, @words: changed to those after "do" and "package"
 */
void command_resolve(unsigned *context, int *count, char *const **words);

/**
 * command_unknown - report that @context has no such command, and where there is one or
 * which ones there are
 * @argv: @argc words; the first is the unknown name
 *
 * Return: STATUS_USAGE.
 */
enum exit_status command_unknown(unsigned context, int argc,
				 char *const *argv) must_check;

/**
 * command_run - parse the words of a command, and run it
 * @argv: @argc words, the first is the name of the command. A password in them is
 *        overwritten once it was read, so that the process list does not show it.
 *
 * Return: its exit status; STATUS_USAGE where a word is wrong, after a message with a
 * mark below that word.
 */
enum exit_status command_run(const struct command *command, struct device *device,
			     int argc, char **argv) must_check;

/**
 * command_check - parse the words of a command; reports what is wrong
 *
 * Return: STATUS_DONE; STATUS_USAGE.
 */
enum exit_status command_check(const struct command *command, int argc,
			       char *const *argv) must_check;

/**
 * command_help - print the help of all commands of a context, or of one
 * @name: NULL for all
 */
enum exit_status command_help(unsigned context, const char *name) must_check;
