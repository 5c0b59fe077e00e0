/* SPDX-License-Identifier: MIT */
/* The table of steps, and which one follows. */
#include "factory/reset_plan.h"

/*
 * Where this device cannot do a step, it counts as one that failed. Once DATA is empty, a
 * record that cannot be written is no reason to empty it again at every boot: only what
 * says whether the reset is done keeps it from ending.
 */
const struct factory_step_plan factory_steps[FACTORY_STEPS] = {
	[FACTORY_ASKED] = {"asked", FACTORY_ERASE, FACTORY_STUCK},
	[FACTORY_ERASE] = {"erase", FACTORY_DISCARD, FACTORY_REPAIR},
	[FACTORY_REPAIR] = {"repair", FACTORY_ERASE_AGAIN, FACTORY_MAKE},
	[FACTORY_ERASE_AGAIN] = {"erase-again", FACTORY_DISCARD, FACTORY_MAKE},
	[FACTORY_MAKE] = {"make", FACTORY_DISCARD, FACTORY_STUCK},
	[FACTORY_DISCARD] = {"discard", FACTORY_PURGE, FACTORY_PURGE},
	[FACTORY_PURGE] = {"purge", FACTORY_TRIALS, FACTORY_STUCK},
	[FACTORY_TRIALS] = {"trials", FACTORY_NOTE, FACTORY_NOTE},
	[FACTORY_NOTE] = {"note", FACTORY_OBEY, FACTORY_OBEY},
	[FACTORY_OBEY] = {"obey", FACTORY_CLOSE, FACTORY_STUCK},
	[FACTORY_CLOSE] = {"close", FACTORY_DONE, FACTORY_STUCK},
};

enum factory_step factory_plan_next(enum factory_step step, bool succeeded,
				    const struct factory_means *means)
{
	enum factory_step next =
		succeeded ? factory_steps[step].done : factory_steps[step].failed;

	while ((next == FACTORY_REPAIR && !means->repair) ||
	       (next == FACTORY_MAKE && !means->make) ||
	       (next == FACTORY_DISCARD && !means->discard))
		next = factory_steps[next].failed;
	if (next == FACTORY_PURGE && !means->purge)
		next = factory_steps[next].done;
	return next;
}

enum factory_step factory_plan_resume(enum factory_step step)
{
	return step == FACTORY_ASKED || !factory_step_wipes(step) ? FACTORY_ERASE : step;
}

bool factory_step_wipes(enum factory_step step)
{
	return step < FACTORY_DISCARD;
}
