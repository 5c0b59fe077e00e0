/* SPDX-License-Identifier: MIT */
/* What becomes of each package at the begin of a boot: counted, on trial, quarantined. */
#include "overlay/record/trials.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* While a boot is planned, .ran is of the boot that begins. */

static bool is_entry(const struct overlay_entry *a, const struct overlay_entry *b)
{
	return a->kind == b->kind && strcmp(a->name, b->name) == 0;
}

static struct overlay_trial *find_trial(const struct overlay_trials *trials,
					const struct overlay_entry *entry)
{
	for (size_t i = 0; i < trials->count; i++)
		if (is_entry(&trials->items[i].entry, entry))
			return &trials->items[i];
	return NULL;
}

/* The candidate of a trial, also where the same package is in the other store now. */
static const struct overlay_candidate *find_candidate(
	const struct overlay_trials *trials, const struct overlay_trials_boot *boot,
	const struct overlay_trial *trial)
{
	const struct overlay_candidate *moved = NULL;

	for (size_t i = 0; i < boot->count; i++) {
		const struct overlay_candidate *candidate = &boot->candidates[i];

		if (is_entry(&candidate->entry, &trial->entry))
			return candidate;
		if (!moved && strcmp(candidate->entry.name, trial->entry.name) == 0 &&
		    memcmp(candidate->id, trial->id, sizeof(trial->id)) == 0 &&
		    !find_trial(trials, &candidate->entry))
			moved = candidate;
	}
	return moved;
}

/*
 * Copy what is known of packages that are still there.
 *
 * Return: whether a package that ran was removed or left out since.
 */
static bool keep_known(const struct overlay_trials *trials,
		       const struct overlay_trials_boot *boot,
		       struct overlay_trials *next)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	bool fewer = false;

	for (size_t i = 0; i < trials->count; i++) {
		const struct overlay_trial *trial = &trials->items[i];
		const struct overlay_candidate *candidate =
			find_candidate(trials, boot, trial);
		bool left, left_out = false;

		if (candidate) {
			bool has_id = memcmp(candidate->id, none, sizeof(none)) != 0;

			left = has_id &&
			       memcmp(candidate->id, trial->id, sizeof(trial->id)) != 0;
			left_out = has_id && !candidate->active && !next->idle;
		} else {
			/* A volume that is missing is no removal. */
			left = boot->listed[trial->entry.kind];
		}
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

/* Which of the packages that the boot is going to activate are to be left out. */
enum blame {
	BLAME_NONE,
	BLAME_TRIAL,    /* those on trial whose boots are used up */
	BLAME_ORDINARY, /* all that are not persistent */
	BLAME_ALL,
};

/* While one is still on trial, those that have passed are not suspected. */
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

static int quarantine(struct overlay_trials *trials, unsigned limit)
{
	enum blame blame = choose(trials, limit);
	int count = 0;

	for (size_t i = 0; blame != BLAME_NONE && i < trials->count; i++) {
		struct overlay_trial *trial = &trials->items[i];
		bool due = trial->state == OVERLAY_TRIAL_RUNNING &&
			   trial->incomplete >= limit;

		if (!trial->ran)
			continue;
		if (blame == BLAME_ALL ||
		    (blame == BLAME_ORDINARY && trial->entry.kind == OVERLAY_ORDINARY) ||
		    (blame == BLAME_TRIAL && due)) {
			trial->state = OVERLAY_TRIAL_QUARANTINED;
			trial->ran = false;
			count++;
		}
		/* The others count from 0: the next boots are without the quarantined. */
		trial->incomplete = 0;
	}
	return count;
}

int overlay_trials_begin(struct overlay_trials *trials,
			 const struct overlay_trials_boot *boot, struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials next = {
		.completed = trials->completed, .idle = true};
	size_t known;
	int count = 0;
	bool fewer;

	for (size_t i = 0; i < boot->count; i++)
		next.idle = next.idle && !boot->candidates[i].active;
	next.audit_number = trials->audit_number;
	memcpy(next.audit_digest, trials->audit_digest, sizeof(next.audit_digest));
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
	for (size_t i = 0; fewer && i < next.count; i++)
		if (next.items[i].ran)
			next.items[i].incomplete = 0;
	if (!next.idle) {
		count = quarantine(&next, boot->limit);
		next.idle = true;
		for (size_t i = 0; i < next.count; i++) {
			if (!next.items[i].ran)
				continue;
			next.idle = false;
			if (next.items[i].incomplete < OVERLAY_TRIALS_COUNT_MAX)
				next.items[i].incomplete++;
		}
		if (!next.idle && next.failed < OVERLAY_TRIALS_COUNT_MAX)
			next.failed++;
	}
	for (size_t i = 0; i < boot->count; i++) {
		struct overlay_candidate *candidate = &boot->candidates[i];
		const struct overlay_trial *trial = find_trial(&next, &candidate->entry);

		candidate->quarantined = candidate->active && trial &&
					 trial->state == OVERLAY_TRIAL_QUARANTINED;
	}
	overlay_trials_free(trials);
	*trials = next;
	next.items = NULL;
	return count;
}
