/* SPDX-License-Identifier: MIT */

/* wmopkg: the options of the program; then one command, or the shell. */

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "installer/fetch/credentials.h"
#include "installer/shell/command.h"
#include "installer/shell/complete_once.h"
#include "installer/shell/shell.h"
#include "verity/cms/openssl.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "version.h"

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"debug", no_argument, NULL, 'd'},
	{"help", no_argument, NULL, 'h'},
	{"version", no_argument, NULL, 'V'},
	{NULL, 0, NULL, 0},
};

static enum exit_status run(const char *config, int argc, char **argv)
{
	cleanup_with(device_free_p) struct device *device = NULL;
	const struct command *command;
	struct verity_error err;

	if (argc < 1 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		return shell_run(config);
	if (argc < 1 && !isatty(STDIN_FILENO))
		return shell_run_script(config);
	if (argc < 1)
		return report_usage("a command is expected");
	if (strcmp(argv[0], "complete") == 0 && argc >= 3 && strcmp(argv[1], "--") == 0)
		return complete_once(argc - 2, argv + 2);
	command = command_find(argv[0]);
	if (!command || !(command->contexts & COMMAND_ONCE))
		return command_unknown(COMMAND_ONCE, argc, argv);
	if (argc == 2 && strcmp(argv[1], "--help") == 0)
		return command_help(COMMAND_ONCE, argv[0]);
	if (command_check(command, argc, argv, NULL) != STATUS_DONE)
		return STATUS_USAGE;
	if (command->action == COMMAND_HELPS)
		return command_help(COMMAND_ONCE, argv[1]);
	if (device_open(config, &device, &err) < 0)
		return report_error(NULL, &err);
	return command_run(command, device, argc, argv);
}

static enum exit_status run_with_options(int argc, char **argv)
{
	cleanup_with(credentials_hidden_done) struct credentials_hidden hidden = {NULL};
	const char *config = NULL;
	struct verity_error err;
	int option, at; /* the word it stands in */

	if (credentials_hide(argc, argv, &hidden, &err) < 0)
		return report_error(NULL, &err);
	while (at = optind,
	       (option = getopt_long(argc, argv, "+:h", options, NULL)) >= 0) {
		if (option == 'c')
			config = optarg;
		else if (option == 'd')
			verity_debug_start(report_debug);
		else if (option == 'h')
			return command_help(COMMAND_ONCE, NULL);
		else if (option == 'V')
			return puts("wmopkg " WMOPKG_VERSION) < 0 ? STATUS_FAILED
								  : STATUS_DONE;
		else
			return report_usage("'%s' is unknown or lacks its value",
					    argv[at]);
	}
	return run(config, argc - optind, argv + optind);
}

int main(int argc, char **argv)
{
	enum exit_status status;

	verity_openssl_start();
	/* A limit on files (ulimit -f) is an error of what writes, which then cleans up.
	 */
	signal(SIGXFSZ, SIG_IGN);
	/* The modes of what is made are those of the code, whoever started it. */
	umask(S_IWGRP | S_IWOTH);
	/* The C library opens the file of the time zone, also if it is a pipe. All times
	 * are UTC here, and no file is needed for it. */
	(void)setenv("TZ", ":", 1);
	report_program("wmopkg");
	if (verity_debug_wanted())
		verity_debug_start(report_debug);
	status = run_with_options(argc, argv);
	/* What was done is done, but a script that reads it must notice what is missing.
	 */
	return (int)(status == STATUS_DONE ? report_output() : status);
}
