/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The commands of wmopkg: one table, which parsing, the shell, completion, help and the
 * man page are all made of.
 */

#include "installer/common/report.h"
#include "installer/device/device.h"
#include "installer/grammar/grammar.h"

/* Where a command may be typed. */
enum command_place {
	COMMAND_ONCE = 1 << 0,    /* wmopkg COMMAND */
	COMMAND_TOP = 1 << 1,     /* the shell's top level */
	COMMAND_PACKAGE = 1 << 2, /* the shell's package context */
};

/* What the shell does by itself. */
enum command_action {
	COMMAND_RUNS, /* it does not: the command runs */
	COMMAND_ENTERS,
	COMMAND_DOES,
	COMMAND_LEAVES,
	COMMAND_ENDS,
	COMMAND_EXITS,
	COMMAND_HELPS,
};

struct command {
	const char *name;
	const struct form *const *forms; /* NULL-ended */
	const char *help;                /* one line */
	unsigned places;                 /* command_place */
	/* NULL where there is an action instead */
	enum exit_status (*run)(struct device *device, const struct words *words);
	enum command_action action;
};

/**
 * command_at - the command number @index
 *
 * Return: a constant; NULL after the last.
 */
const struct command *command_at(size_t index);

/**
 * command_find - the command called @name; NULL where there is none
 */
const struct command *command_find(const char *name);

/**
 * command_pick - the command that is meant at a place: by its name, or by the begin of
 * it, where no other begins so; NULL where there is none, or more than one
 */
const struct command *command_pick(unsigned place, const char *name);

/**
 * command_resolve - where words lead that begin with "do" or "package"
 * @place: command_place that they were typed at; becomes the one that they are meant for
 * @count, @words: become those behind these two
 */
void command_resolve(unsigned *place, int *count, char *const **words);

/**
 * command_unknown - say that there is no such command at @place: where there is one of
 * that name, or which ones there are
 * @argv: @argc words, the first being the one that names none
 *
 * Return: STATUS_USAGE.
 */
enum exit_status command_unknown(unsigned place, int argc, char *const *argv) must_check;

/**
 * command_mark - print words on stderr as they were typed, and a mark below one
 * @bad: its number; @argc: the one that is missing behind them
 */
void command_mark(int bad, int argc, char *const *argv);

/**
 * command_run - read the words of a command, and do it
 * @argv: @argc words, the first being the command's name; passwords in them are
 *        overwritten once they are read, so that no list of processes shows them
 *
 * Return: its exit status; STATUS_USAGE where a word is wrong, which has then been said,
 * with a mark below it.
 */
enum exit_status command_run(const struct command *command, struct device *device,
			     int argc, char **argv) must_check;

/**
 * command_check - whether the words of a command are right; says what is not
 *
 * Return: STATUS_DONE; STATUS_USAGE.
 */
enum exit_status command_check(const struct command *command, int argc,
			       char *const *argv) must_check;

/**
 * command_help - print what all commands of a place do, or one
 * @name: NULL for all
 */
enum exit_status command_help(unsigned place, const char *name) must_check;
