/* SPDX-License-Identifier: MIT */
/* Remembering signals instead of ending at once. */
#include "installer/common/signals.h"

#include <signal.h>
#include <stddef.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};

#define NUMBER_COUNT (sizeof(numbers) / sizeof(numbers[0]))

/* A handler can write only to globals. */
static volatile sig_atomic_t interrupted;

/* The actions before; a process has one set of them. */
static struct sigaction saved[NUMBER_COUNT];
static bool watching;

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

	signals_forget();
	for (size_t i = 0; i < NUMBER_COUNT; i++) {
		sigaction(numbers[i], NULL, &saved[i]);
		if (numbers[i] == SIGPIPE)
			sigaction(numbers[i], &ignore, NULL);
		else if (saved[i].sa_handler != SIG_IGN)
			sigaction(numbers[i], &watch, NULL);
	}
	watching = true;
}

void signals_forget(void)
{
	for (size_t i = 0; watching && i < NUMBER_COUNT; i++)
		sigaction(numbers[i], &saved[i], NULL);
	watching = false;
	interrupted = 0;
}

int signals_check(struct verity_error *err)
{
	return interrupted ? verity_fail(err, VERITY_E_INTERRUPTED,
					 "interrupted, nothing was installed")
			   : 0;
}
