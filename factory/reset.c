/* SPDX-License-Identifier: MIT */
#include "factory/reset.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "factory/reset_private.h"
#include "verity/util/cleanup.h"

static void run_free_p(struct factory_run *run)
{
	free(run->device);
}

void factory_say(const struct factory_run *run, bool warning, const char *format, ...)
{
	char text[VERITY_MESSAGE_MAX + 128];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	run->reset->say(run->reset->context, warning, text);
}

static void announce(const struct factory_run *run, enum factory_step step)
{
	const struct factory_filesystem *filesystem = &run->volume.filesystem;
	const char *device = run->device ? run->device : run->reset->config->data;

	switch (step) {
	case FACTORY_ERASE:
	case FACTORY_ERASE_AGAIN:
		factory_say(run, false, "deleting all that is on DATA (%s)", device);
		break;
	case FACTORY_REPAIR:
		factory_say(run, false, "repairing the file system of DATA (%s, %s)",
			    device, filesystem->type);
		break;
	case FACTORY_MAKE:
		factory_say(run, false,
			    "making the file system of DATA anew (%s, %s%s%s)", device,
			    filesystem->type, filesystem->label[0] ? ", label " : "",
			    filesystem->label);
		break;
	case FACTORY_DISCARD:
		factory_say(run, false, "discarding the free blocks of DATA");
		break;
	default:
		break;
	}
}

static int carry_out(struct factory_run *run, enum factory_step step,
		     struct verity_error *err)
{
	switch (step) {
	case FACTORY_ERASE:
	case FACTORY_ERASE_AGAIN:
		return factory_data_erase(run, err);
	case FACTORY_REPAIR:
		return factory_data_repair(run, err);
	case FACTORY_MAKE:
		return factory_data_make(run, err);
	case FACTORY_DISCARD:
		return factory_data_discard(run, err);
	case FACTORY_TRIALS:
		return factory_record_trials(run, err);
	case FACTORY_NOTE:
		return factory_record_note(run, err);
	case FACTORY_OBEY:
		return factory_record_obey(run, err);
	case FACTORY_CLOSE:
		return factory_record_close(run, err);
	default:
		return 0;
	}
}

/* What cannot be written down is not begun. The last step deletes the journal. */
static int begin_step(struct factory_run *run, enum factory_step step,
		      struct verity_error *err)
{
	struct factory_journal *journal = &run->journal;
	int r;

	if (step == FACTORY_CLOSE || step == journal->step)
		return 0;
	if (step == FACTORY_NOTE)
		journal->line = factory_record_line(run);
	journal->step = step;
	r = factory_journal_store(run->reset->record_fd, journal, err);
	return r < 0 ? verity_context(err, r, "persist") : 0;
}

/* One step after the other, until none is left. */
static int follow_plan(struct factory_run *run, enum factory_step step,
		       struct verity_error *err)
{
	enum factory_step next;
	int r;

	while (step < FACTORY_STEPS) {
		r = begin_step(run, step, err);
		if (r < 0)
			return r;
		run->reset->step = step;
		announce(run, step);
		r = carry_out(run, step, err);
		next = factory_plan_next(step, r == 0, &run->means);
		if (next == FACTORY_STUCK)
			return r;
		if (r < 0)
			factory_say(run, true, "%s", err->message);
		step = next;
	}
	run->reset->step = FACTORY_DONE;
	return 0;
}

/* Where PERSIST takes no changes, nothing is begun, and nothing gone on with. */
static int begin(struct factory_run *run, struct verity_error *err)
{
	int r = factory_data_find(run, err);

	if (r < 0)
		return r;
	r = factory_journal_store(run->reset->record_fd, &run->journal, err);
	return r < 0 ? verity_context(err, r, "persist") : 0;
}

/* What was to be deleted is nobody's any more, whoever looks for it where it was. */
static void leave_out(struct factory_run *run)
{
	struct factory_reset *reset = run->reset;
	struct verity_error why;

	if (reset->step == FACTORY_ASKED || !factory_step_wipes(reset->step))
		return;
	cleanup_fd_p(&reset->data_fd);
	reset->data_fd = -1;
	if (run->device && factory_data_unmount(run, &why) < 0)
		factory_say(run, true, "%s", why.message);
}

int factory_reset_run(struct factory_reset *reset, const struct factory_journal *journal,
		      struct verity_error *err)
{
	cleanup_with(run_free_p) struct factory_run run = {.reset = reset,
							   .journal = *journal};
	enum factory_step step = journal->step;
	int r;

	reset->step = step;
	r = begin(&run, err);
	if (r < 0) {
		leave_out(&run);
		return r;
	}
	if (step == FACTORY_ASKED)
		factory_say(&run, false, "begins, as the %s asks for",
			    journal->by_bootloader ? "bootloader" : "request on PERSIST");
	else
		factory_say(&run, false, "was cut off, and goes on (%s)",
			    factory_step_name(step));
	r = follow_plan(&run, step == FACTORY_ASKED ? FACTORY_ERASE : step, err);
	if (r < 0)
		leave_out(&run);
	if (r == 0)
		factory_say(&run, false, "done: DATA is empty%s",
			    run.journal.made ? ", its file system is a new one" : "");
	return r;
}
