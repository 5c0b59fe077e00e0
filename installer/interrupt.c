/* SPDX-License-Identifier: MIT */
#include "installer/interrupt.h"

#include <signal.h>

/* A handler has nothing but globals to write to. */
static volatile sig_atomic_t interrupted;

static void remember(int number)
{
	(void)number;
	interrupted = 1;
}

void interrupt_watch(void)
{
	static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction watch = {.sa_handler = remember,
					.sa_flags = (int)SA_RESETHAND};
	struct sigaction present;

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigaction(numbers[i], NULL, &present) == 0 &&
		    present.sa_handler != SIG_IGN)
			sigaction(numbers[i], &watch, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int interrupt_check(struct verity_error *err)
{
	return interrupted ? verity_fail(err, VERITY_E_INTERRUPTED,
					 "interrupted, nothing was installed")
			   : 0;
}
