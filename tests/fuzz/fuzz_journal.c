/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "factory/journal.h"

/* Whatever was read, the reset comes to an end: done, or stuck. */
static void carry_out(enum factory_step step)
{
	const struct factory_means means = {.repair = true, .make = true, .purge = true};

	for (int i = 0; i < FACTORY_STEPS; i++)
		if (step < FACTORY_STEPS)
			step = factory_plan_next(step, i != 1, &means);
	require(step == FACTORY_DONE || step == FACTORY_STUCK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct factory_journal journal, again;
	char *text;

	if (factory_journal_decode(data, size, &journal, NULL) < 0)
		return 0;
	require(journal.step < FACTORY_STEPS);
	require(journal.line >= FACTORY_LINE_UNKNOWN);
	/* What was read can be written, and reads the same again. */
	require(factory_journal_encode(&journal, &text, NULL) == 0);
	require(strlen(text) <= FACTORY_JOURNAL_BYTES_MAX);
	require(factory_journal_decode(text, strlen(text), &again, NULL) == 0);
	require(again.step == journal.step && again.line == journal.line);
	require(again.made == journal.made && again.purge == journal.purge);
	require(again.by_bootloader == journal.by_bootloader);
	free(text);
	carry_out(journal.step);
	return 0;
}
