/* SPDX-License-Identifier: MIT */
/* Remembering signals instead of ending at once. */
#include "installer/common/signals.h"

#include <signal.h>
#include <stddef.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* A handler can write only to globals. */
static volatile sig_atomic_t interrupted;

static void remember(int number)
{
	(void)number;
	interrupted = 1;
}

void signals_watch(void)
{
	const struct sigaction watch = {.sa_handler = remember,
					.sa_flags = (int)SA_RESETHAND};
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
}

int signals_check(struct verity_error *err)
{
	return interrupted ? verity_fail(err, VERITY_E_INTERRUPTED,
					 "interrupted, nothing was installed")
			   : 0;
}
