/* SPDX-License-Identifier: MIT */
/* What becomes of each package at the begin of a boot: counted, on trial, quarantined. */
#include "overlay/record/trials.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/store/relations.h"
#include "verity/util/cleanup.h"

/*
 * While a boot is planned, .ran is of the boot that begins. What failed in the boot
 * before is kept beside it.
 */
struct planning {
	struct overlay_trials next;
	bool *failed; /* owned; by item: part of the last boot, which was not completed */
	bool *required;  /* owned; by item */
	unsigned *depth; /* owned; by item */
	const struct overlay_trials_boot *boot;
};

static void planning_free(struct planning *planning)
{
	overlay_trials_free(&planning->next);
	free(planning->failed);
	free(planning->required);
	free(planning->depth);
}

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
static bool keep_known(const struct overlay_trials *trials, struct planning *planning)
{
	static const uint8_t none[VERITY_DIGEST_BYTES];
	const struct overlay_trials_boot *boot = planning->boot;
	struct overlay_trials *next = &planning->next;
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
		planning->failed[next->count] =
			trial->ran && trial->incomplete > 0 &&
			(trial->state == OVERLAY_TRIAL_RUNNING ||
			 (trial->state == OVERLAY_TRIAL_PASSED && trial->suspicion));
		next->items[next->count] = *trial;
		if (candidate)
			next->items[next->count].entry = candidate->entry;
		next->items[next->count++].ran = trial->ran && next->idle;
	}
	return fewer;
}

static void add_new(struct planning *planning)
{
	struct overlay_trials *next = &planning->next;

	for (size_t i = 0; i < planning->boot->count; i++) {
		const struct overlay_candidate *candidate =
			&planning->boot->candidates[i];
		struct overlay_trial *trial = find_trial(next, &candidate->entry);

		if (!candidate->active)
			continue;
		if (!trial) {
			trial = &next->items[next->count++];
			*trial = (struct overlay_trial){.entry = candidate->entry};
			memcpy(trial->id, candidate->id, sizeof(trial->id));
		}
		if (trial->state == OVERLAY_TRIAL_QUARANTINED || candidate->required)
			trial->suspicion = OVERLAY_SUSPICION_NONE;
		trial->ran = trial->state != OVERLAY_TRIAL_QUARANTINED;
		planning->required[trial - next->items] = candidate->required;
		planning->depth[trial - next->items] = candidate->depth;
	}
}

static bool is_suspect(const struct overlay_trial *trial)
{
	return trial->suspicion != OVERLAY_SUSPICION_NONE;
}

static size_t count_accused(const struct overlay_trials *trials)
{
	size_t count = 0;

	for (size_t i = 0; i < trials->count; i++)
		count += trials->items[i].suspicion == OVERLAY_SUSPICION_ACCUSED &&
			 trials->items[i].ran;
	return count;
}

/*
 * Half of the suspects were part of a boot that was not completed: one of these is to
 * blame, or one that came on trial with that boot.
 */
static void accuse(struct planning *planning)
{
	struct overlay_trials *next = &planning->next;
	struct overlay_trial *last = NULL;
	unsigned confirm = OVERLAY_TRIALS_CONFIRM;
	size_t count = 0;

	for (size_t i = 0; i < next->count; i++) {
		if (!planning->failed[i] || planning->required[i])
			continue;
		last = &next->items[i];
		count++;
	}
	for (size_t i = 0; count > 0 && i < next->count; i++) {
		struct overlay_trial *trial = &next->items[i];

		if (planning->failed[i] && !planning->required[i])
			trial->suspicion = OVERLAY_SUSPICION_ACCUSED;
		else if (is_suspect(trial))
			trial->suspicion = OVERLAY_SUSPICION_SUSPECT;
	}
	if (confirm > planning->boot->limit)
		confirm = planning->boot->limit;
	if (count != 1 || last->incomplete < confirm)
		return;
	last->suspicion = OVERLAY_SUSPICION_ALONE;
	next->search = OVERLAY_SEARCH_WITHOUT;
	for (size_t i = 0; i < next->count; i++)
		if (!is_suspect(&next->items[i]))
			next->items[i].incomplete = 0;
}

/*
 * Leave out all suspects, or all but those that this boot is to tell of. What is needed
 * comes before what needs it: that could not be told of without it.
 */
static void leave_out(const struct planning *planning, struct overlay_trials *next)
{
	size_t accused = count_accused(next), left = (accused + 1) / 2;

	for (unsigned depth = 0; depth <= OVERLAY_RELATIONS_DEPTH_MAX; depth++) {
		for (size_t i = 0; i < next->count; i++) {
			struct overlay_trial *trial = &next->items[i];
			bool is_accused = trial->suspicion == OVERLAY_SUSPICION_ACCUSED;

			if (planning->depth[i] != depth || !is_suspect(trial) ||
			    !trial->ran)
				continue;
			if (next->search == OVERLAY_SEARCH_WITHOUT ||
			    (accused && (!is_accused || left == 0)))
				trial->ran = false;
			else if (accused)
				left--;
		}
	}
}

/* Which of the packages that the boot is going to activate are to be left out. */
enum blame {
	BLAME_NONE,
	BLAME_TRIAL,    /* those on trial whose boots are used up */
	BLAME_ORDINARY, /* all that are not persistent */
	BLAME_ALL,
};

/*
 * While one is still on trial, those that have passed are not suspected. What is required
 * is not asked for: whatever it has done, it is part of each boot.
 */
static enum blame choose(const struct planning *planning)
{
	const struct overlay_trials *trials = &planning->next;
	unsigned limit = planning->boot->limit;
	bool due = false, trial_due = false, trial = false, ordinary = false;

	if (trials->failed >= OVERLAY_TRIALS_ROUNDS * limit)
		return BLAME_ALL;
	for (size_t i = 0; i < trials->count; i++) {
		const struct overlay_trial *item = &trials->items[i];
		bool over = item->incomplete >= limit;

		if (!item->ran || is_suspect(item) || planning->required[i])
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

static bool is_blamed(const struct overlay_trial *trial, enum blame blame, unsigned limit)
{
	if (!trial->ran)
		return false;
	switch (blame) {
	case BLAME_NONE:
		return false;
	case BLAME_TRIAL:
		return trial->state == OVERLAY_TRIAL_RUNNING &&
		       trial->incomplete >= limit;
	case BLAME_ORDINARY:
		return trial->entry.kind == OVERLAY_ORDINARY;
	case BLAME_ALL:
		return true;
	}
	return false;
}

/*
 * The boots of some packages are used up. They become suspects; but one ordinary package
 * on trial, with no other that could be the cause, is quarantined.
 *
 * Return: how many are quarantined.
 */
static int blame(struct planning *planning)
{
	struct overlay_trials *next = &planning->next;
	unsigned limit = planning->boot->limit;
	enum blame blame = choose(planning);
	size_t all = 0, suspects = 0;
	bool at_once, ordinary = false;
	int count = 0;

	if (blame == BLAME_NONE)
		return 0;
	for (size_t i = 0; i < next->count; i++) {
		bool blamed = is_blamed(&next->items[i], blame, limit);

		all += blamed;
		suspects += blamed && !planning->required[i];
		ordinary = ordinary ||
			   (blamed && next->items[i].entry.kind == OVERLAY_ORDINARY);
	}
	if (suspects == 0)
		return 0;
	at_once = all == 1 && ordinary && blame == BLAME_TRIAL &&
		  next->search == OVERLAY_SEARCH_NONE;
	for (size_t i = 0; i < next->count; i++) {
		struct overlay_trial *trial = &next->items[i];
		bool blamed = is_blamed(trial, blame, limit);

		/* The others count from 0: the next boots are without these. */
		trial->incomplete = trial->ran ? 0 : trial->incomplete;
		if (is_suspect(trial))
			trial->suspicion = OVERLAY_SUSPICION_SUSPECT;
		if (!blamed || planning->required[i])
			continue;
		trial->ran = false;
		if (at_once) {
			trial->state = OVERLAY_TRIAL_QUARANTINED;
			count++;
		} else {
			trial->suspicion = OVERLAY_SUSPICION_ACCUSED;
			next->search = OVERLAY_SEARCH_WITHOUT;
		}
	}
	return count;
}

/* Return: how many are quarantined. */
static int choose_packages(struct planning *planning, bool fewer)
{
	struct overlay_trials *next = &planning->next;
	bool over = next->failed >= OVERLAY_TRIALS_ROUNDS * planning->boot->limit;
	bool searching = false;
	int count = 0;

	for (size_t i = 0; i < next->count; i++)
		searching = searching || is_suspect(&next->items[i]);
	if (!searching)
		next->search = OVERLAY_SEARCH_NONE;
	else if (next->search == OVERLAY_SEARCH_NONE)
		next->search = OVERLAY_SEARCH_HALVES;
	/* What was removed since may have been the cause. */
	if (next->search == OVERLAY_SEARCH_HALVES && !fewer)
		accuse(planning);
	if (over)
		count = blame(planning);
	leave_out(planning, next);
	if (!over && next->search != OVERLAY_SEARCH_HALVES)
		count = blame(planning);
	return count;
}

/* Return: how many of those that this boot begins with are quarantined now. */
static int plan_trials(const struct overlay_trials *trials, struct planning *planning,
		       struct verity_error *err)
{
	const struct overlay_trials_boot *boot = planning->boot;
	struct overlay_trials *next = &planning->next;
	size_t known;
	int count = 0;
	bool fewer;

	for (size_t i = 0; i < boot->count; i++)
		next->idle = next->idle && !boot->candidates[i].active;
	fewer = keep_known(trials, planning);
	known = next->count;
	add_new(planning);
	if (known == trials->count && next->count == known)
		next->failed = trials->failed;
	if (next->count > OVERLAY_TRIALS_MAX)
		return verity_fail(err, VERITY_E_TOO_MANY,
				   "%zu packages are to be kept on trial, and there is "
				   "room for %d",
				   next->count, OVERLAY_TRIALS_MAX);
	for (size_t i = 0; fewer && i < next->count; i++)
		if (next->items[i].ran)
			next->items[i].incomplete = 0;
	if (next->idle)
		return 0;
	count = choose_packages(planning, fewer);
	next->idle = true;
	for (size_t i = 0; i < next->count; i++) {
		if (!next->items[i].ran)
			continue;
		next->idle = false;
		if (next->items[i].incomplete < OVERLAY_TRIALS_COUNT_MAX)
			next->items[i].incomplete++;
	}
	if (!next->idle && next->failed < OVERLAY_TRIALS_COUNT_MAX)
		next->failed++;
	return count;
}

int overlay_trials_begin(struct overlay_trials *trials,
			 const struct overlay_trials_boot *boot, struct verity_error *err)
{
	size_t most = trials->count + boot->count + 1;
	cleanup_with(planning_free) struct planning planning = {
		.next = *trials,
		.failed = calloc(most, sizeof(bool)),
		.required = calloc(most, sizeof(bool)),
		.depth = calloc(most, sizeof(unsigned)),
		.boot = boot,
	};
	struct overlay_trials *next = &planning.next;
	int count;

	next->idle = true;
	next->failed = 0;
	next->count = 0;
	next->items = calloc(most, sizeof(*next->items));
	if (!next->items || !planning.failed || !planning.required || !planning.depth)
		return verity_no_memory(err);
	count = plan_trials(trials, &planning, err);
	if (count < 0)
		return count;
	for (size_t i = 0; i < boot->count; i++) {
		struct overlay_candidate *candidate = &boot->candidates[i];
		const struct overlay_trial *trial = find_trial(next, &candidate->entry);

		candidate->quarantined = candidate->active && trial &&
					 trial->state == OVERLAY_TRIAL_QUARANTINED;
		candidate->suspect = candidate->active && trial &&
				     !candidate->quarantined && is_suspect(trial) &&
				     !trial->ran;
	}
	overlay_trials_free(trials);
	*trials = *next;
	next->items = NULL;
	next->count = 0;
	return count;
}

void overlay_trials_skip(struct overlay_trials *trials, const struct overlay_entry *entry)
{
	struct overlay_trial *trial = find_trial(trials, entry);

	if (!trial || !trial->ran)
		return;
	trial->ran = false;
	trial->incomplete -= trial->incomplete > 0;
	trials->idle = true;
	for (size_t i = 0; i < trials->count; i++)
		trials->idle = trials->idle && !trials->items[i].ran;
	if (trials->idle)
		trials->failed -= trials->failed > 0;
}
