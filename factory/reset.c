/* SPDX-License-Identifier: MIT */
/* Follows the plan of a reset: journal, step, journal, until no step is left. */
#include "factory/reset.h"

#include <stdlib.h>

#include "factory/reset_data.h"
#include "factory/reset_record.h"
#include "factory/reset_volume.h"
#include "overlay/record/unchecked.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"

static int (*const functions[FACTORY_STEPS])(struct factory_run *run,
					     struct verity_error *err) = {
	[FACTORY_ERASE] = factory_data_erase,
	[FACTORY_REPAIR] = factory_data_repair,
	[FACTORY_ERASE_AGAIN] = factory_data_erase,
	[FACTORY_MAKE] = factory_data_make,
	[FACTORY_DISCARD] = factory_data_discard,
	[FACTORY_PURGE] = factory_record_purge,
	[FACTORY_TRIALS] = factory_record_trials,
	[FACTORY_NOTE] = factory_record_note,
	[FACTORY_OBEY] = factory_record_obey,
	[FACTORY_CLOSE] = factory_record_close,
};

static void run_free(struct factory_run *run)
{
	free(run->device);
	cleanup_fd_p(&run->device_fd);
}

/*
 * A step that cannot be written to the journal is not begun. The last one deletes the
 * journal.
 */
static int follow_plan(struct factory_run *run, enum factory_step step,
		       struct verity_error *err)
{
	struct factory_journal *journal = &run->journal;
	int r = 0;

	while (step < FACTORY_STEPS) {
		if (step != FACTORY_CLOSE && step != journal->step) {
			if (step == FACTORY_NOTE && !run->noted)
				journal->line = factory_record_line(run);
			journal->step = step;
			if (step > FACTORY_DISCARD)
				journal->tries = 0;
			if (step == FACTORY_PURGE && journal->purges < FACTORY_PURGES_MAX)
				journal->purges++;
			r = factory_journal_store(run->reset->record_fd, journal, err);
			if (r < 0)
				return verity_context(err, r, "persist");
		}
		run->reset->step = step;
		verity_debug("factory reset: %s", factory_steps[step].name);
		r = functions[step](run, err);
		step = factory_plan_next(step, r == 0, &run->means);
		if (step == FACTORY_STUCK)
			return r;
		if (r < 0)
			factory_run_say(run, true, "%s", err->message);
	}
	run->reset->step = FACTORY_DONE;
	return 0;
}

/*
 * What should have been deleted must not be used, by whichever path it is reached. A
 * reset that was refused leaves DATA as it found it.
 */
static void leave_out(struct factory_run *run)
{
	struct factory_reset *reset = run->reset;
	struct verity_error why;
	int r = 0;

	if (reset->step != FACTORY_ASKED && factory_step_wipes(reset->step))
		r = factory_data_leave(run, &why);
	else if (reset->data_fd < 0 && run->unmounted)
		r = factory_data_mount(run, &why);
	if (r < 0)
		factory_run_say(run, true, "%s", why.message);
}

/* A power cut right after the line was added must not add another. */
static bool is_noted(const struct factory_run *run)
{
	const struct factory_journal *journal = &run->journal;

	/* a purge deletes the log, and its line with it */
	return !journal->purge && (journal->step >= FACTORY_NOTE || journal->line > 0) &&
	       journal->line != FACTORY_LINE_UNKNOWN &&
	       factory_record_line(run) == journal->line + 1;
}

/*
 * A file system can be made so that its repair does not end, nor the deleting of what is
 * on it. One repair that did not, a check of a boot that did not, and some tries to
 * delete are enough, where a new file system can be made. Nor is one mounted whose super
 * block is refused.
 */
static enum factory_step avoid_endless(const struct factory_run *run,
				       enum factory_step step)
{
	bool endless = run->sealed || step == FACTORY_REPAIR ||
		       run->journal.tries >= FACTORY_TRIES ||
		       (step == FACTORY_ERASE &&
			overlay_unchecked_exists(run->reset->record_fd));

	if (run->device && run->means.make)
		return endless ? FACTORY_MAKE : step;
	return step == FACTORY_MAKE ? FACTORY_ERASE : step;
}

/*
 * Counts the try, which a watchdog may end. After all of them one boot goes without, so
 * that the device comes up.
 */
static int begin_try(struct factory_run *run, struct verity_error *err)
{
	struct factory_journal *journal = &run->journal;
	bool makes = run->device && run->means.make;
	bool over = journal->tries >= (makes ? FACTORY_TRIES_MAX : FACTORY_TRIES);
	unsigned tries = journal->tries;
	int r;

	journal->tries = over ? 0 : tries + 1;
	/* Where PERSIST is read-only, nothing is begun or continued. */
	r = factory_journal_store(run->reset->record_fd, journal, err);
	if (r < 0)
		return verity_context(err, r, "persist");
	return over ? verity_fail(err, VERITY_E_TIMED_OUT,
				  "%u boots in a row did not get through emptying it%s",
				  tries,
				  makes ? ""
					: " (format it, or add the program that makes "
					  "its file system to the initramfs)")
		    : 0;
}

int factory_reset_run(struct factory_reset *reset, const struct factory_journal *journal,
		      struct verity_error *err)
{
	cleanup_with(run_free) struct factory_run run = {
		.reset = reset, .journal = *journal, .device_fd = -1};
	enum factory_step step = factory_plan_resume(journal->step);
	int r;

	/*
	 * The failure may have made it read-only, so that only a later boot can give up.
	 * That one empties DATA as well: that it is empty is a hint of the journal.
	 */
	run.unpurged = journal->purge && journal->step == FACTORY_PURGE &&
		       journal->purges == FACTORY_PURGES_MAX;
	reset->step = journal->step == FACTORY_ASKED ? FACTORY_ASKED : step;
	run.means.purge = journal->purge && !run.unpurged;
	r = journal->purge ? factory_persist_check(&run, err) : 0;
	if (r == 0)
		r = factory_data_find(&run, err);
	if (r == 0) {
		step = avoid_endless(&run, step);
		run.noted = is_noted(&run);
		r = begin_try(&run, err);
	}
	if (r == 0) {
		if (journal->step == FACTORY_ASKED)
			factory_run_say(&run, false, "begins%s, as the %s asks for",
					journal->purge ? ", with a purge of PERSIST" : "",
					journal->by_bootloader ? "bootloader"
							       : "request on PERSIST");
		else
			factory_run_say(&run, false,
					"was interrupted, and continues (%s)",
					factory_steps[step].name);
		r = follow_plan(&run, step, err);
	}
	if (r < 0)
		leave_out(&run);
	else
		factory_run_say(&run, run.unpurged, "done: DATA is empty%s%s",
				run.journal.made ? ", its file system is a new one" : "",
				run.unpurged ? ", but PERSIST is not, after 3 tries: "
					       "what is on it counts again (repair "
					       "its file system, and repeat the "
					       "reset)"
				: run.journal.purge ? ", and so is PERSIST"
						    : "");
	return r;
}
