/* SPDX-License-Identifier: MIT */
#include "installer/shell/child.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "installer/common/report.h"
#include "installer/shell/signal.h"

static void __attribute__((noreturn))
be_child(enum exit_status (*call)(void *context), void *context)
{
	enum exit_status status;

	shell_signal_restore();
	status = call(context);
	fflush(stdout);
	fflush(stderr);
	/* Not exit(): what the shell has to tidy up is not ours. */
	_exit((int)status);
}

static enum exit_status fail(const char *what, const char *why)
{
	struct verity_error err;

	verity_fail(&err, VERITY_E_IO, "the command %s: %s", what, why);
	return report_hinted(NULL, &err, NULL);
}

static enum exit_status judge(int status)
{
	if (WIFEXITED(status))
		return (enum exit_status)WEXITSTATUS(status);
	/* The mark of Ctrl-C stands in a line of its own, and says it all. */
	if (WTERMSIG(status) != SIGINT)
		return fail("was ended", strsignal(WTERMSIG(status)));
	putchar('\n');
	return STATUS_FAILED;
}

enum exit_status shell_child_run(enum exit_status (*call)(void *context), void *context)
{
	struct termios terminal;
	bool is_terminal = tcgetattr(STDIN_FILENO, &terminal) == 0;
	int status;
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0)
		be_child(call, context);
	if (child < 0)
		return fail("cannot be started", strerror(errno));
	status = shell_signal_wait_child(child);
	if (is_terminal)
		tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal);
	return judge(status);
}
