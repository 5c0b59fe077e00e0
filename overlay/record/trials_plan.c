/* SPDX-License-Identifier: MIT */
#include "overlay/record/trials.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* While a boot is planned, .ran is of the boot that begins. */

static bool has_id(const struct overlay_candidate *candidate)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];

	return memcmp(candidate->id, none, sizeof(none)) != 0;
}

static bool is_entry(const struct overlay_entry *a, const struct overlay_entry *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

static const struct overlay_candidate *find_candidate(
	const struct overlay_trials_boot *boot, const struct overlay_entry *entry)
{
	for (size_t i = 0; i < boot->count; i++)
		if (is_entry(&boot->candidates[i].entry, entry))
			return &boot->candidates[i];
	return NULL;
}

static struct overlay_trial *find_trial(const struct overlay_trials *trials,
					const struct overlay_entry *entry)
{
	for (size_t i = 0; i < trials->count; i++)
		if (is_entry(&trials->items[i].entry, entry))
			return &trials->items[i];
	return NULL;
}

/* The same package, which went to the other store since. */
static const struct overlay_candidate *find_moved(const struct overlay_trials *trials,
						  const struct overlay_trials_boot *boot,
						  const struct overlay_trial *trial)
{
	for (size_t i = 0; i < boot->count; i++) {
		const struct overlay_candidate *candidate = &boot->candidates[i];

		if (strcmp(candidate->entry.name, trial->entry.name) == 0 &&
		    memcmp(candidate->id, trial->id, sizeof(trial->id)) == 0 &&
		    !find_trial(trials, &candidate->entry))
			return candidate;
	}
	return NULL;
}

/* A volume that is missing, or a file that cannot be read, is no removal. */
static bool has_left(const struct overlay_trials_boot *boot,
		     const struct overlay_trial *trial,
		     const struct overlay_candidate *candidate)
{
	if (!candidate)
		return boot->listed[trial->entry.kind];
	return has_id(candidate) &&
	       memcmp(candidate->id, trial->id, sizeof(trial->id)) != 0;
}

static bool is_idle(const struct overlay_trials_boot *boot)
{
	for (size_t i = 0; i < boot->count; i++)
		if (boot->candidates[i].active)
			return false;
	return true;
}

/*
 * Take over what is known of those that are still there.
 *
 * Return: whether one of those that ran was taken out or left out since.
 */
static bool keep_known(const struct overlay_trials *trials,
		       const struct overlay_trials_boot *boot,
		       struct overlay_trials *next)
{
	bool fewer = false;

	for (size_t i = 0; i < trials->count; i++) {
		const struct overlay_trial *trial = &trials->items[i];
		const struct overlay_candidate *candidate =
			find_candidate(boot, &trial->entry);
		bool left, left_out;

		if (!candidate)
			candidate = find_moved(trials, boot, trial);
		left = has_left(boot, trial, candidate);
		left_out = candidate && has_id(candidate) && !candidate->active &&
			   !next->idle;

		fewer = fewer || (trial->ran && (left || left_out));
		if (left)
			continue;
		next->items[next->count] = *trial;
		if (candidate)
			next->items[next->count].entry = candidate->entry;
		next->items[next->count++].ran = trial->ran && next->idle;
	}
	return fewer;
}

static void add_new(const struct overlay_trials_boot *boot, struct overlay_trials *next)
{
	for (size_t i = 0; i < boot->count; i++) {
		const struct overlay_candidate *candidate = &boot->candidates[i];
		struct overlay_trial *trial = find_trial(next, &candidate->entry);

		if (!candidate->active)
			continue;
		if (!trial) {
			trial = &next->items[next->count++];
			*trial = (struct overlay_trial){.entry = candidate->entry};
			memcpy(trial->id, candidate->id, sizeof(trial->id));
		}
		trial->ran = trial->state != OVERLAY_TRIAL_QUARANTINED;
	}
}

/* Who is to be left out, of those that the boot is going to activate. */
enum blame {
	BLAME_NONE,
	BLAME_TRIAL,    /* those on trial whose boots are used up */
	BLAME_ORDINARY, /* all that are not persistent */
	BLAME_ALL,
};

/* While one is on trial still, those that have passed are believed. */
static enum blame choose(const struct overlay_trials *trials, unsigned limit)
{
	bool due = false, trial_due = false, trial = false, ordinary = false;

	if (trials->failed >= OVERLAY_TRIALS_ROUNDS * limit)
		return BLAME_ALL;
	for (size_t i = 0; i < trials->count; i++) {
		const struct overlay_trial *item = &trials->items[i];
		bool over = item->incomplete >= limit;

		if (!item->ran)
			continue;
		due = due || over;
		trial = trial || item->state == OVERLAY_TRIAL_RUNNING;
		trial_due = trial_due || (over && item->state == OVERLAY_TRIAL_RUNNING);
		ordinary = ordinary || item->entry.kind == OVERLAY_ORDINARY;
	}
	if (trial_due)
		return BLAME_TRIAL;
	if (!due || trial)
		return BLAME_NONE;
	return ordinary ? BLAME_ORDINARY : BLAME_ALL;
}

static bool is_blamed(enum blame blame, const struct overlay_trial *trial, unsigned limit)
{
	switch (blame) {
	case BLAME_NONE:
		return false;
	case BLAME_TRIAL:
		return trial->state == OVERLAY_TRIAL_RUNNING &&
		       trial->incomplete >= limit;
	case BLAME_ORDINARY:
		return trial->entry.kind == OVERLAY_ORDINARY;
	case BLAME_ALL:
		break;
	}
	return true;
}

static bool nobody_runs(const struct overlay_trials *trials)
{
	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].ran)
			return false;
	return true;
}

static int quarantine(struct overlay_trials *trials, unsigned limit)
{
	enum blame blame = choose(trials, limit);
	int count = 0;

	for (size_t i = 0; blame != BLAME_NONE && i < trials->count; i++) {
		struct overlay_trial *trial = &trials->items[i];

		if (!trial->ran)
			continue;
		/* The others count anew: the next boots are without the blamed. */
		if (is_blamed(blame, trial, limit)) {
			trial->state = OVERLAY_TRIAL_QUARANTINED;
			trial->ran = false;
			count++;
		}
		trial->incomplete = 0;
	}
	return count;
}

static void count_anew(struct overlay_trials *trials)
{
	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].ran)
			trials->items[i].incomplete = 0;
}

static void count_boot(struct overlay_trials *trials)
{
	for (size_t i = 0; i < trials->count; i++)
		if (trials->items[i].ran &&
		    trials->items[i].incomplete < OVERLAY_TRIALS_COUNT_MAX)
			trials->items[i].incomplete++;
}

/* Return: how many are to be left out now. */
static int count_active(struct overlay_trials *trials, unsigned limit)
{
	int count = quarantine(trials, limit);

	count_boot(trials);
	trials->idle = nobody_runs(trials);
	if (!trials->idle && trials->failed < OVERLAY_TRIALS_COUNT_MAX)
		trials->failed++;
	return count;
}

static void tell(const struct overlay_trials_boot *boot,
		 const struct overlay_trials *trials)
{
	for (size_t i = 0; i < boot->count; i++) {
		struct overlay_candidate *candidate = &boot->candidates[i];
		const struct overlay_trial *trial = find_trial(trials, &candidate->entry);

		candidate->quarantined = candidate->active && trial &&
					 trial->state == OVERLAY_TRIAL_QUARANTINED;
	}
}

static void trials_free_p(struct overlay_trials *trials)
{
	overlay_trials_free(trials);
}

int overlay_trials_begin(struct overlay_trials *trials,
			 const struct overlay_trials_boot *boot, struct verity_error *err)
{
	cleanup_with(trials_free_p) struct overlay_trials next = {
		.completed = trials->completed, .idle = is_idle(boot)};
	size_t known;
	int count = 0;
	bool fewer;

	next.items = calloc(trials->count + boot->count + 1, sizeof(*next.items));
	if (!next.items)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	fewer = keep_known(trials, boot, &next);
	known = next.count;
	add_new(boot, &next);
	if (known == trials->count && next.count == known)
		next.failed = trials->failed;
	if (next.count > OVERLAY_TRIALS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be kept on trial, and there is "
				   "room for %d",
				   next.count, OVERLAY_TRIALS_MAX);
	if (fewer)
		count_anew(&next);
	if (!next.idle)
		count = count_active(&next, boot->limit);
	tell(boot, &next);
	overlay_trials_free(trials);
	*trials = next;
	next.items = NULL;
	return count;
}
