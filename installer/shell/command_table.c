/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/shell/command.h"

#define FORM(...) (&(const struct form){{__VA_ARGS__}})

#define OPTIONAL(name)                                                                   \
	{                                                                                \
		WORD_##name, PLACE_OPTIONAL                                              \
	}
#define NEEDED(name)                                                                     \
	{                                                                                \
		WORD_##name, PLACE_HERE                                                  \
	}
#define EITHER(one, other)                                                               \
	{WORD_##one, PLACE_OR_NEXT},                                                     \
	{                                                                                \
		WORD_##other, PLACE_OPTIONAL                                             \
	}
#define FREE(name)                                                                       \
	{                                                                                \
		WORD_##name, PLACE_FREE | PLACE_OPTIONAL                                 \
	}
#define NEEDED_FREE(name)                                                                \
	{                                                                                \
		WORD_##name, PLACE_FREE                                                  \
	}
#define ANYWHERE(name)                                                                   \
	{                                                                                \
		WORD_##name, PLACE_ANYWHERE | PLACE_OPTIONAL                             \
	}

#define PACKAGES   (COMMAND_ONCE | COMMAND_PACKAGE)
#define DEVICE     (COMMAND_ONCE | COMMAND_TOP)
#define SHELL      (COMMAND_TOP | COMMAND_PACKAGE)
#define EVERYWHERE (COMMAND_ONCE | SHELL)

static const struct form *const install_forms[] = {
	FORM(FREE(PERSISTENT), FREE(PROTOCOL), FREE(USER), FREE(PASSWORD),
	     NEEDED(ADDRESS), NEEDED(SERVER_PATH), OPTIONAL(CHECK_FIRMWARE),
	     OPTIONAL(CHECK_MODEL)),
	FORM(FREE(PERSISTENT), NEEDED_FREE(MEDIA), NEEDED(MEDIA_PATH),
	     OPTIONAL(CHECK_FIRMWARE), OPTIONAL(CHECK_MODEL)),
	FORM(FREE(PERSISTENT), FREE(USER), FREE(PASSWORD), NEEDED(SOURCE),
	     OPTIONAL(CHECK_FIRMWARE), OPTIONAL(CHECK_MODEL)),
	NULL,
};
static const struct form *const remove_forms[] = {
	FORM(EITHER(NAME, ALL), ANYWHERE(YES)),
	NULL,
};

static const struct form *const show_forms[] = {
	FORM(NEEDED(SHOW_MEDIA), OPTIONAL(JSON)),
	FORM(NEEDED(SHOW_BOOT), EITHER(JSON, SVG)),
	FORM(OPTIONAL(NAME), OPTIONAL(JSON)),
	NULL,
};

static const struct form *const list_forms[] = {
	FORM(OPTIONAL(NAME), OPTIONAL(JSON)),
	NULL,
};

static const struct form *const media_forms[] = {
	FORM(OPTIONAL(JSON)),
	NULL,
};

static const struct form *const verify_forms[] = {
	FORM(NEEDED(CHECK_FIRMWARE), OPTIONAL(CHECK_MODEL), OPTIONAL(JSON)),
	FORM(NEEDED(FILE), OPTIONAL(JSON), ANYWHERE(CHECK_FIRMWARE),
	     ANYWHERE(CHECK_MODEL)),
	NULL,
};

static const struct form *const which_forms[] = {
	FORM(NEEDED(PATH), OPTIONAL(JSON)),
	NULL,
};

static const struct form *const retry_forms[] = {
	FORM(NEEDED(NAME)),
	NULL,
};

static const struct form *const unlock_forms[] = {
	FORM({WORD_FILE, PLACE_OR_NEXT}, EITHER(CLEAR, JSON)),
	NULL,
};

static const struct form *const denylist_forms[] = {
	FORM(EITHER(FILE, JSON)),
	NULL,
};

static const struct form *const audit_forms[] = {
	FORM(EITHER(VERIFY, JSON)),
	NULL,
};

static const struct form *const boot_forms[] = {
	FORM(NEEDED(BOOT_SET), NEEDED(BOOT_VALUE)),
	FORM(NEEDED(BOOT_CLEAR)),
	FORM(OPTIONAL(JSON)),
	NULL,
};

static const struct form *const factory_reset_forms[] = {
	FORM(ANYWHERE(REBOOT), ANYWHERE(YES)),
	NULL,
};

static const struct form *const command_forms[] = {
	FORM(OPTIONAL(COMMAND)),
	NULL,
};

static const struct form *const no_forms[] = {
	FORM({WORD_NONE, PLACE_HERE}),
	NULL,
};

/* Either a function or an action of the shell. */
#define RUNS(function) (function), COMMAND_RUNS
#define ACTS(action)   NULL, COMMAND_##action

static const struct command commands[] = {
	{"install", install_forms,
	 "install a package: from a server, a medium, or a file of this device", PACKAGES,
	 RUNS(command_install)},
	{"remove", remove_forms,
	 "remove a package, or all; asks before it does, unless --yes is given", PACKAGES,
	 RUNS(command_remove)},
	{"show", show_forms,
	 "show the installed packages, all there is to know of one, the media, or "
	 "what this boot took how long",
	 EVERYWHERE, RUNS(command_show)},
	{"list", list_forms, "the same as show", EVERYWHERE, RUNS(command_show)},
	{"media", media_forms, "show the USB sticks and SD cards that are plugged in",
	 DEVICE, RUNS(command_media)},
	{"verify", verify_forms,
	 "check a package file, and show whether this device would take it", PACKAGES,
	 RUNS(command_verify)},
	{"which", which_forms,
	 "show which package, or the firmware, supplies a path of the system", PACKAGES,
	 RUNS(command_which)},
	{"conflicts", list_forms,
	 "show what packages replace, delete or hide, and which lies on top", PACKAGES,
	 RUNS(command_conflicts)},
	{"retry", retry_forms, "try a quarantined package again at the next boot",
	 PACKAGES, RUNS(command_retry)},
	{"unlock", unlock_forms,
	 "take what the vendor allows this device, forget it, or show it", DEVICE,
	 RUNS(command_unlock)},
	{"denylist", denylist_forms,
	 "put a list of what must not run any more in force, or show the one that is",
	 DEVICE, RUNS(command_denylist)},
	{"audit", audit_forms, "show the audit log, or check that nobody has changed it",
	 DEVICE, RUNS(command_audit)},
	{"boot", boot_forms,
	 "show what the bootloader says of packages, or say it in its place", DEVICE,
	 RUNS(command_boot)},
	{"factory-reset", factory_reset_forms,
	 "delete all but persistent packages at the next reboot; asks before it does, "
	 "unless --yes is given",
	 DEVICE, RUNS(command_factory_reset)},
	{"boot-complete", no_forms,
	 "say that this boot has come to a good end; for a service, not for people",
	 COMMAND_ONCE, RUNS(command_boot_complete)},
	{"package", command_forms, "go to the commands for packages, or do one of them",
	 COMMAND_TOP, ACTS(ENTERS)},
	{"do", command_forms, "do a command of the top level", SHELL, ACTS(DOES)},
	{"help", command_forms, "show the commands, or what one does",
	 COMMAND_ONCE | SHELL, ACTS(HELPS)},
	{"leave", no_forms, "go to the top level", SHELL, ACTS(LEAVES)},
	{"end", no_forms, "go one level up", SHELL, ACTS(ENDS)},
	{"exit", no_forms, "leave the shell", SHELL, ACTS(EXITS)},
};

const struct command *command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_at(i); i++)
		if (strcmp(command_at(i)->name, name) == 0)
			return command_at(i);
	return NULL;
}
