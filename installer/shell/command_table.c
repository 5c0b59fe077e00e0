/* SPDX-License-Identifier: MIT */

/* The command table: what may be typed, the help text, and the function behind it. */

#include "installer/shell/command_table.h"

#include <strings.h>

#include "installer/commands/commands.h"
#include "installer/update/update.h"

/* clang-format off */
#define FORM(...)         (&(const struct form){{__VA_ARGS__}})
#define FORMS(...)        ((const struct form *const[]){__VA_ARGS__, NULL})
#define NEEDED(name)       {WORD_##name, 0}
#define OPTIONAL(name)     {WORD_##name, FORM_OPTIONAL}
#define ALTERNATIVE(name)  {WORD_##name, FORM_OR_NEXT}
#define ALTERNATIVES(name) {WORD_##name, FORM_OR_NEXT | FORM_REPEAT}
#define NEEDED_FREE(name)  {WORD_##name, FORM_FREE}
#define ANYWHERE(name)     {WORD_##name, FORM_ANYWHERE | FORM_OPTIONAL}

/* clang-format on */

/* Where a file comes from; a command that takes one takes it from everywhere. */
#define SERVER(path)                                                                     \
	ANYWHERE(PROTOCOL), ANYWHERE(USER), ANYWHERE(PASSWORD), NEEDED(ADDRESS),         \
		NEEDED(path)
#define MEDIUM(path) NEEDED_FREE(MEDIA), NEEDED(path)
#define HERE(word)   ANYWHERE(USER), ANYWHERE(PASSWORD), NEEDED(word)

#define PACKAGES   (COMMAND_ONCE | COMMAND_PACKAGE)
#define DEVICE     (COMMAND_ONCE | COMMAND_TOP)
#define SHELL      (COMMAND_TOP | COMMAND_PACKAGE)
#define EVERYWHERE (COMMAND_ONCE | SHELL)

/* Either a function or an action of the shell. */
#define RUNS(function)  (function), COMMAND_RUNS, false
#define PAGES(function) (function), COMMAND_RUNS, true
#define ACTS(action)    NULL, COMMAND_##action, false

static const struct command commands[] = {
	{"install",
	 FORMS(FORM(ANYWHERE(PERSISTENT), ANYWHERE(FORCE), SERVER(SERVER_PATH),
		    ANYWHERE(CHECK_FIRMWARE), ANYWHERE(CHECK_MODEL)),
	       FORM(ANYWHERE(PERSISTENT), ANYWHERE(FORCE), MEDIUM(MEDIA_PATH),
		    ANYWHERE(CHECK_FIRMWARE), ANYWHERE(CHECK_MODEL)),
	       FORM(ANYWHERE(PERSISTENT), ANYWHERE(FORCE), HERE(SOURCE),
		    ANYWHERE(CHECK_FIRMWARE), ANYWHERE(CHECK_MODEL)),
	       FORM(NEEDED(MEDIA))),
	 "install a package from a server, a medium or a local file, or list the packages "
	 "on a medium",
	 PACKAGES, RUNS(command_install)},
	{"remove", FORMS(FORM(ALTERNATIVES(NAME), OPTIONAL(ALL), ANYWHERE(YES))),
	 "remove packages or all; asks for confirmation, unless --yes is given", PACKAGES,
	 RUNS(command_remove)},
	{"apply",
	 FORMS(FORM(ANYWHERE(CHECK), ANYWHERE(YES), HERE(SET), ANYWHERE(JSON)),
	       FORM(ANYWHERE(CHECK), ANYWHERE(YES), MEDIUM(MEDIA_FILE), ANYWHERE(JSON)),
	       FORM(ANYWHERE(CHECK), ANYWHERE(YES), SERVER(SERVER_FILE), ANYWHERE(JSON))),
	 "make the installed packages those of a set, all or none; asks for confirmation "
	 "before it removes any, unless --yes is given; with --check, show what would "
	 "change",
	 PACKAGES, RUNS(command_apply)},
	{"update",
	 FORMS(FORM(ANYWHERE(QUIET), ANYWHERE(UPDATE_CHECK),
		    {WORD_NAME, FORM_OPTIONAL | FORM_REPEAT}, ANYWHERE(JSON))),
	 "bring all installed packages, or these, up to the catalogue of the vendor, all or "
	 "none; with check, show what would come",
	 PACKAGES, RUNS(command_update)},
	{"undo", FORMS(FORM(NEEDED(CHECK)), FORM(ANYWHERE(YES))),
	 "take back the last installation or removal since the boot; asks for confirmation, "
	 "unless --yes is given",
	 PACKAGES, RUNS(command_undo)},
	{"show",
	 FORMS(FORM(NEEDED(SHOW_MEDIA), ANYWHERE(JSON)), FORM(NEEDED(SHOW_PENDING)),
	       FORM(NEEDED(SHOW_BOOT), ALTERNATIVE(JSON), OPTIONAL(SVG)),
	       FORM(OPTIONAL(NAME), ALTERNATIVE(SHOW_BRIEF), NEEDED(SHOW_DETAIL)),
	       FORM(OPTIONAL(NAME), ANYWHERE(JSON))),
	 "show the installed packages, the details of one, the media, what the reboot "
	 "changes, or how long each step of the last boot took",
	 EVERYWHERE, PAGES(command_show)},
	{"list",
	 FORMS(FORM(OPTIONAL(NAME), ALTERNATIVE(SHOW_BRIEF), NEEDED(SHOW_DETAIL)),
	       FORM(OPTIONAL(NAME), ANYWHERE(JSON))),
	 "same as show", EVERYWHERE, PAGES(command_show)},
	{"media", FORMS(FORM(ANYWHERE(JSON))),
	 "show the connected USB sticks and SD cards", DEVICE, RUNS(command_media)},
	{"verify",
	 FORMS(FORM(NEEDED(CHECK_FIRMWARE), ANYWHERE(CHECK_MODEL), ANYWHERE(JSON)),
	       FORM(HERE(FILE), ANYWHERE(JSON), ANYWHERE(CHECK_FIRMWARE),
		    ANYWHERE(CHECK_MODEL)),
	       FORM(MEDIUM(MEDIA_PATH), ANYWHERE(JSON), ANYWHERE(CHECK_FIRMWARE),
		    ANYWHERE(CHECK_MODEL)),
	       FORM(SERVER(SERVER_PATH), ANYWHERE(JSON), ANYWHERE(CHECK_FIRMWARE),
		    ANYWHERE(CHECK_MODEL))),
	 "check a package file, and show whether this device would accept it", PACKAGES,
	 RUNS(command_verify)},
	{"which", FORMS(FORM(NEEDED(PATH), ANYWHERE(JSON))),
	 "show whether a package or the firmware supplies a path of the system", PACKAGES,
	 RUNS(command_which)},
	{"conflicts", FORMS(FORM(OPTIONAL(NAME), ANYWHERE(JSON))),
	 "show what packages replace, delete or hide, and which one is on top", PACKAGES,
	 PAGES(command_conflicts)},
	{"retry", FORMS(FORM(NEEDED(NAME))),
	 "try a quarantined package again at the next boot", PACKAGES,
	 RUNS(command_retry)},
	{"unlock",
	 FORMS(FORM(NEEDED(CLEAR), ANYWHERE(YES)), FORM(ANYWHERE(JSON)), FORM(HERE(FILE)),
	       FORM(MEDIUM(MEDIA_FILE)), FORM(SERVER(SERVER_FILE))),
	 "install, clear or show an unlock statement; clear is final, and asks for "
	 "confirmation, unless --yes is given",
	 DEVICE, RUNS(command_unlock)},
	{"denylist",
	 FORMS(FORM(ANYWHERE(JSON)), FORM(HERE(FILE)), FORM(MEDIUM(MEDIA_FILE)),
	       FORM(SERVER(SERVER_FILE))),
	 "install a deny list, or show the one in force", DEVICE, RUNS(command_denylist)},
	{"host-key", FORMS(FORM(NEEDED(KEY_FORGET)), FORM(OPTIONAL(KEY_SHOW))),
	 "show the known hosts of scp and sftp, or forget one whose key has changed",
	 DEVICE, RUNS(command_host_key)},
	{"audit", FORMS(FORM(NEEDED(VERIFY)), FORM(OPTIONAL(LAST), ANYWHERE(JSON))),
	 "show the audit log or its last lines, or check that it was not changed", DEVICE,
	 PAGES(command_audit)},
	{"monitor", FORMS(FORM(NEEDED(JSON), OPTIONAL(SINCE))),
	 "report packages, pending changes and lines of the audit log as they change, for "
	 "programs",
	 DEVICE, RUNS(command_monitor)},
	{"boot",
	 FORMS(FORM(NEEDED(BOOT_SET), NEEDED(BOOT_VALUE), ANYWHERE(YES)),
	       FORM(NEEDED(BOOT_CLEAR)), FORM(ANYWHERE(JSON))),
	 "show, set or clear the boot configuration; to set factory_reset asks for "
	 "confirmation, unless --yes is given",
	 DEVICE, RUNS(command_boot)},
	{"factory-reset",
	 FORMS(FORM(NEEDED(CANCEL)),
	       FORM(ANYWHERE(PURGE), ANYWHERE(REBOOT), ANYWHERE(YES))),
	 "delete all data except persistent packages at the next reboot, with --purge "
	 "these, too; asks for confirmation, unless --yes is given; cancel takes it back",
	 DEVICE, RUNS(command_factory_reset)},
	{"boot-complete", FORMS(FORM(NEEDED(NONE))),
	 "mark this boot as completed; for a service, not for people", COMMAND_ONCE,
	 RUNS(command_boot_complete)},
	{"reboot", FORMS(FORM(ANYWHERE(YES))),
	 "show what the reboot changes, and reboot; asks for confirmation, unless --yes is "
	 "given",
	 SHELL, RUNS(command_reboot)},
	{"package", FORMS(FORM(OPTIONAL(COMMAND))),
	 "enter the package context, or run one of its commands", SHELL, ACTS(ENTERS)},
	{"do", FORMS(FORM(OPTIONAL(COMMAND))), "run a command of the top level", SHELL,
	 ACTS(DOES)},
	{"help", FORMS(FORM(OPTIONAL(COMMAND))),
	 "show the help of all commands, or of one", COMMAND_ONCE | SHELL, ACTS(HELPS)},
	{"leave", FORMS(FORM(NEEDED(NONE))), "go to the top level", SHELL, ACTS(LEAVES)},
	{"end", FORMS(FORM(NEEDED(NONE))), "go up one level", SHELL, ACTS(ENDS)},
	{"exit", FORMS(FORM(NEEDED(NONE))), "leave the shell", SHELL, ACTS(EXITS)},
	{"quit", FORMS(FORM(NEEDED(NONE))), "same as exit", SHELL, ACTS(EXITS)},
	{"logout", FORMS(FORM(NEEDED(NONE))), "same as exit", SHELL, ACTS(EXITS)},
};

const struct command *command_at(size_t index)
{
	return index < sizeof(commands) / sizeof(commands[0]) ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
	for (size_t i = 0; command_at(i); i++)
		if (strcasecmp(command_at(i)->name, name) == 0)
			return command_at(i);
	return NULL;
}
