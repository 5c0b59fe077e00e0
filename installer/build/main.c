/* SPDX-License-Identifier: MIT */
/* wmopkg-build: its table of commands, and its help. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "installer/build/commands.h"
#include "installer/build/passphrase.h"
#include "verity/util/debug.h"
#include "version.h"

static const struct {
	const char *name;
	const char *synopsis;
	const char *help;
	enum exit_status (*run)(int argc, char **argv);
} commands[] = {
	{"create", "--version V --description D [OPTION]... TREE OUT.wmopkg",
	 "make a package from a folder or a tar file", build_create},
	{"sign",
	 "[--add] --key KEY --cert CERT [--chain PEM] | --signature DER | --timestamp TSR  "
	 "IN OUT",
	 "sign a package or statement, in place of its signatures or beside them",
	 build_sign},
	{"inspect", "[--json] [OPTION]... FILE",
	 "show what a package or statement says, and verify it as a device would",
	 build_inspect},
	{"extract",
	 "[--manifest F] [--signature F] [--tree F] [--image F] [--timestamp-query F] "
	 "FILE",
	 "write the parts of a package or statement to files, or a timestamp query",
	 build_extract},
	{"unlock", "--serial S --allow WORD --not-after DAY [OPTION]... OUT",
	 "make an unlock statement: it allows more to one device until a day",
	 build_unlock},
	{"denylist", "--number N [ENTRY]... [OPTION]... OUT",
	 "make a deny list: what devices must not run", build_denylist},
	{"catalog", "--valid DAYS [OPTION]... DIR",
	 "make a catalogue of the packages in a folder, from which devices update",
	 build_catalog},
	{"set", "[--number N] [OPTION]... SET OUT",
	 "sign a set of packages, which devices then take from everywhere", build_set},
	{"base", "DIR|TAR LIST", "save a list of the firmware's tree, for create --base",
	 build_base},
	{"keys", "DIR", "make a development root, signer and unlock signer", build_keys},
};

static const struct {
	const char *title; /* NULL: goes on with the one before */
	const struct build_option *table;
} options[] = {
	{"Options of create", build_manifest_options},
	{NULL, build_create_options},
	{"Options of create, sign, unlock, denylist, catalog and set",
	 build_signing_options},
	{"Options of unlock", build_unlock_options},
	{"Options of denylist (the entries may be given more than once)",
	 build_denylist_options},
	{"Options of catalog", build_catalog_options},
	{"Options of set", build_set_options},
	{"Options of inspect, about the device that runs the package",
	 build_inspect_options},
};

static enum exit_status help(void)
{
	puts("Usage: wmopkg-build [--debug] COMMAND ...\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		printf("  %s %s\n      %s\n", commands[i].name, commands[i].synopsis,
		       commands[i].help);
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (options[i].title)
			printf("\n%s:\n", options[i].title);
		build_options_print(options[i].table);
	}
	puts("\nTimes in the image are at most SOURCE_DATE_EPOCH, or 0 if it is not set.\n"
	     "Exit status: 0 done, 1 failed, 2 usage, 3 refused by verification,\n"
	     "4 no such file, 6 no space.");
	return STATUS_DONE;
}

static enum exit_status run(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--debug") == 0) {
		verity_debug_start(report_debug);
		argc--;
		argv++;
	}
	if (argc < 2)
		return report_usage("a command is expected");
	if (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[argc - 1], "--help") == 0)
		return help();
	if (strcmp(argv[1], "--version") == 0) {
		puts("wmopkg-build " WMOPKG_VERSION);
		return STATUS_DONE;
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(commands[i].name, argv[1]) == 0) {
			enum exit_status status = commands[i].run(argc - 1, argv + 1);

			secret_forget();
			return status;
		}
	return report_usage("'%s' is not a command", argv[1]);
}

int main(int argc, char **argv)
{
	enum exit_status status;

	report_program("wmopkg-build");
	/* A limit on files (ulimit -f) is an error of what writes, which then cleans up.
	 */
	signal(SIGXFSZ, SIG_IGN);
	if (verity_debug_wanted())
		verity_debug_start(report_debug);
	status = run(argc, argv);
	return (int)(status == STATUS_DONE ? report_output() : status);
}
