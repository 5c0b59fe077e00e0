/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/shell/command.h"

#define NAMES_BYTES  512
#define NAMES_INDENT 4

static bool begins(const struct command *command, const char *name)
{
	return strncmp(command->name, name, strlen(name)) == 0;
}

/* The commands of a place that begin so; ", " stands between them. */
static size_t name_commands(unsigned place, const char *begin,
			    char ret[static NAMES_BYTES])
{
	size_t count = 0;
	size_t used = 0;

	ret[0] = '\0';
	for (size_t i = 0; command_at(i) && used < NAMES_BYTES; i++) {
		const struct command *command = command_at(i);

		if (command->places & place && begins(command, begin))
			used += (size_t)snprintf(ret + used, NAMES_BYTES - used, "%s%s",
						 count++ ? ", " : "", command->name);
	}
	return count;
}

const struct command *command_pick(unsigned place, const char *name)
{
	const struct command *found = NULL;
	size_t count = 0;

	for (size_t i = 0; command_at(i); i++) {
		const struct command *command = command_at(i);

		if (!(command->places & place) || !begins(command, name))
			continue;
		if (command->name[strlen(name)] == '\0')
			return command;
		found = command;
		count++;
	}
	return count == 1 ? found : NULL;
}

void command_resolve(unsigned *place, int *count, char *const **words)
{
	const struct command *command;

	while (*count > 0 && (command = command_pick(*place, (*words)[0])) &&
	       (command->action == COMMAND_ENTERS || command->action == COMMAND_DOES)) {
		*place = command->action == COMMAND_DOES ? COMMAND_TOP : COMMAND_PACKAGE;
		(*words)++;
		(*count)--;
	}
}

static enum exit_status tell_unknown(unsigned place, int argc, char *const *argv)
{
	const struct layout layout = layout_of(STDERR_FILENO);
	char names[NAMES_BYTES];
	enum exit_status status =
		report_hint_usage("? explains them", "'%s' is not a command", argv[0]);

	(void)name_commands(place, "", names);
	command_mark(0, argc, argv);
	layout_printf(stderr, &layout, NAMES_INDENT, "  expected: %s", names);
	return status;
}

enum exit_status command_unknown(unsigned place, int argc, char *const *argv)
{
	const struct command *other = command_find(argv[0]);
	char names[NAMES_BYTES];

	if (place & COMMAND_ONCE)
		return report_usage("'%s' is not a command", argv[0]);
	if (name_commands(place, argv[0], names) > 1)
		return report_hint_usage(names, "'%s' can mean more than one command",
					 argv[0]);
	if (other && other->places & COMMAND_PACKAGE)
		return report_hint_usage("type: package",
					 "'%s' is a command of the package context",
					 argv[0]);
	if (other && other->places & COMMAND_TOP)
		return report_hint_usage("type do ahead of it",
					 "'%s' is a command of the top level", argv[0]);
	return tell_unknown(place, argc, argv);
}
