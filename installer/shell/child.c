/* SPDX-License-Identifier: MIT */

/* Runs a command of the shell in a child process. */

#include "installer/shell/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "installer/shell/signal.h"

enum exit_status shell_child_run(const char *config, const struct command *command,
				 int argc, char **argv)
{
	struct verity_error err;
	struct termios terminal;
	bool is_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct device *device = NULL;
		enum exit_status exit_status;

		shell_signal_restore();
		exit_status = device_open(config, &device, &err) < 0
				      ? report_error(NULL, &err)
				      : command_run(command, device, argc, argv);
		device_free(device);
		fflush(stdout);
		fflush(stderr);
		/* Not exit(): its handlers belong to the shell. */
		_exit((int)exit_status);
	}
	if (child < 0) {
		verity_fail(&err, VERITY_E_IO, "the command cannot be started: %s",
			    strerror(errno));
		return report_hinted(NULL, &err, NULL);
	}
	status = shell_signal_wait_child(child);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
	if (WIFEXITED(status))
		return (enum exit_status)WEXITSTATUS(status);
	/* After Ctrl-C the terminal shows "^C": that is enough. */
	if (WTERMSIG(status) == SIGINT) {
		putchar('\n');
		return STATUS_FAILED;
	}
	verity_fail(&err, VERITY_E_IO, "the command was ended: %s",
		    strsignal(WTERMSIG(status)));
	return report_hinted(NULL, &err, NULL);
}
