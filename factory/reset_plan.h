/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The steps of a factory reset, as data: which comes next, depending on how the last one
 * ended. Each can be done again from its start, so a reset that was cut off goes on with
 * the step that it was in. Pure.
 */

#include <stdbool.h>

enum factory_step {
	FACTORY_ASKED,       /* requested, nothing was done yet */
	FACTORY_ERASE,       /* delete all that is on DATA */
	FACTORY_REPAIR,      /* that failed: repair its file system */
	FACTORY_ERASE_AGAIN, /* and delete what is left */
	FACTORY_MAKE,        /* that failed too: make a new file system */
	FACTORY_DISCARD,     /* tell the storage which blocks are free */
	FACTORY_PURGE,       /* delete all that is on PERSIST, but the journal */
	FACTORY_TRIALS,      /* forget trials and quarantine */
	FACTORY_NOTE,        /* write it to the audit log */
	FACTORY_OBEY,        /* remember that the bootloader's request was carried out */
	FACTORY_CLOSE,       /* delete the journal */
	FACTORY_STEPS,

	FACTORY_DONE = FACTORY_STEPS, /* no further step */
	FACTORY_STUCK,                /* the step failed, and there is no alternative */
};

/* What can be done about DATA on this device. */
struct factory_means {
	bool repair;  /* there is a program that repairs its file system */
	bool make;    /* there is one that makes a new one */
	bool discard; /* the configuration asks for it, or a purge */
	bool purge;   /* PERSIST is to be emptied, too */
};

/**
 * factory_plan_next - the step that comes after @step
 * @succeeded: how @step ended
 */
enum factory_step factory_plan_next(enum factory_step step, bool succeeded,
				    const struct factory_means *means);

/**
 * factory_plan_resume - the step with which a reset begins or goes on
 * @step: as the journal has it, which is a hint: after a step that comes when DATA is
 *        empty, it is emptied again, as nobody knows who wrote the journal
 */
enum factory_step factory_plan_resume(enum factory_step step);

/**
 * factory_step_wipes - whether DATA may still hold something before the end of @step
 */
bool factory_step_wipes(enum factory_step step);

struct factory_step_plan {
	const char *name;               /* "erase", …: as the journal has it */
	enum factory_step done, failed; /* what follows */
};

extern const struct factory_step_plan factory_steps[FACTORY_STEPS];
