/* SPDX-License-Identifier: MIT */
/* Remembering signals instead of ending at once. */
#include "installer/common/signals.h"

#include <signal.h>
#include <stddef.h>

#include "installer/common/echo.h"

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* A handler can write only to globals. */
static volatile sig_atomic_t interrupted;

/* The second one ends the program. */
static void remember(int number)
{
	if (interrupted) {
		echo_restore();
		signal(number, SIG_DFL);
		raise(number);
	}
	interrupted = 1;
}

/* Other programs use the terminal until this one goes on. */
static void suspend(int number)
{
	(void)number;
	echo_restore();
	raise(SIGSTOP);
}

void signals_watch(void)
{
	const struct sigaction watch = {.sa_handler = remember};
	const struct sigaction stop = {.sa_handler = suspend, .sa_flags = SA_RESTART};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction before;

	interrupted = 0;
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		sigaction(numbers[i], NULL, &before);
		if (numbers[i] == SIGPIPE)
			sigaction(numbers[i], &ignore, NULL);
		else if (before.sa_handler != SIG_IGN)
			sigaction(numbers[i], &watch, NULL);
	}
	sigaction(SIGTSTP, NULL, &before);
	if (before.sa_handler != SIG_IGN)
		sigaction(SIGTSTP, &stop, NULL);
}

int signals_check(struct verity_error *err)
{
	return interrupted ? verity_fail(err, VERITY_E_INTERRUPTED,
					 "interrupted, nothing was installed")
			   : 0;
}
