/* SPDX-License-Identifier: MIT */
#include "installer/command.h"

#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
	{"install", "[persistent] ./FILE.wmopkg | URL",
	 "install a package from a file, or from a server by http or https",
	 command_install},
	{"remove", "[NAME | all] [--yes]",
	 "remove a package, or all; asks before it does, unless --yes is given",
	 command_remove},
	{"show", "[NAME] [json]",
	 "show the installed packages, or all there is to know of one", command_show},
	{"list", "[NAME] [json]", "the same as show", command_show},
	{"verify", "FILE [json]",
	 "check a package file, and show whether this device would take it",
	 command_verify},
	{"retry", "NAME", "try a quarantined package again at the next boot",
	 command_retry},
	{"boot-complete", "",
	 "say that this boot has come to a good end; for a service, not for people",
	 command_boot_complete},
	{"unlock", "[FILE | clear]",
	 "take what the vendor allows this device, forget it, or show it",
	 command_unlock},
	{"denylist", "[FILE]",
	 "put a list of what must not run any more in force, or show the one that is",
	 command_denylist},
	{"audit", "[verify | json]",
	 "show the audit log, or check that nobody has changed it", command_audit},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

const struct command *command_at(size_t index)
{
	return index < COMMAND_COUNT ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void print_command(const struct command *command)
{
	printf("  %s%s%s\n      %s\n", command->name, command->synopsis[0] ? " " : "",
	       command->synopsis, command->help);
}

enum exit_status command_help(const char *name)
{
	const struct command *command = name ? command_find(name) : NULL;

	if (name && !command)
		return report_usage("'%s' is not a command", name);
	puts("Usage: wmopkg [--config FILE] COMMAND ...\n");
	if (command) {
		print_command(command);
		return STATUS_DONE;
	}
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		print_command(&commands[i]);
	puts("  help [COMMAND]\n      show this\n\n"
	     "Options:\n"
	     "  --config FILE   configuration (default: " OVERLAY_CONFIG_PATH ")\n"
	     "  --version       show the version\n\n"
	     "Installed and removed packages take effect at the next boot.\n"
	     "Exit status: 0 done, 1 failed, 2 usage, 3 refused by verification,\n"
	     "4 no such package or file, 5 transfer failed, 6 no room.");
	return STATUS_DONE;
}
