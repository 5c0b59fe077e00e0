/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The commands of wmopkg: one table, which dispatch and help are both made of. A command
 * gets its own words, argv[0] being its name.
 */

#include "installer/device.h"
#include "installer/report.h"

struct command {
	const char *name;
	const char *synopsis; /* what follows the name; "" where nothing does */
	const char *help;     /* one line */
	enum exit_status (*run)(struct device *device, int argc, char **argv);
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
 * command_help - print what all commands do, or one
 * @name: NULL for all
 */
enum exit_status command_help(const char *name) must_check;

enum exit_status command_boot_complete(struct device *device, int argc, char **argv);
enum exit_status command_denylist(struct device *device, int argc, char **argv);
enum exit_status command_audit(struct device *device, int argc, char **argv);
enum exit_status command_install(struct device *device, int argc, char **argv);
enum exit_status command_remove(struct device *device, int argc, char **argv);
enum exit_status command_retry(struct device *device, int argc, char **argv);
enum exit_status command_show(struct device *device, int argc, char **argv);
enum exit_status command_unlock(struct device *device, int argc, char **argv);
enum exit_status command_verify(struct device *device, int argc, char **argv);
