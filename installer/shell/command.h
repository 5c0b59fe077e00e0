/* SPDX-License-Identifier: MIT */
#pragma once

/* Finding, parsing and running the commands of the table, and their help. */

#include "installer/shell/command_table.h"

/**
 * command_pick - the command that @name means in a context: the whole name, or the start
 * of exactly one, in any case; NULL where there is none, or more than one
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
 * @ret: borrowed from @argv, set on success only; may be NULL
 *
 * Return: STATUS_DONE; STATUS_USAGE.
 */
enum exit_status command_check(const struct command *command, int argc, char *const *argv,
			       struct words *ret) must_check;

/**
 * command_help - print the help of all commands of a context, or of one
 * @name: NULL for all
 */
enum exit_status command_help(unsigned context, const char *name) must_check;
