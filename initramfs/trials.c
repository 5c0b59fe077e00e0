/* SPDX-License-Identifier: MIT */
#include "initramfs/trials.h"

#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

static void trials_free_p(struct overlay_trials *trials)
{
	overlay_trials_free(trials);
}

/* A record that is damaged is begun anew: what was quarantined is tried once more. */
static void load(const struct trying *trying, struct overlay_trials *ret)
{
	struct verity_error why;

	if (overlay_trials_load(trying->record_fd, ret, &why) == 0)
		return;
	log_line(LOG_LEVEL_WARNING, "trials: begun anew: %s", why.message);
	*ret = (struct overlay_trials){.completed = false};
}

/* So that an integrator whose firmware never says that a boot was completed sees it. */
static void log_incomplete(const struct trying *trying,
			   const struct overlay_trials *trials)
{
	unsigned incomplete = overlay_trials_incomplete(trials);

	if (incomplete == 0)
		return;
	log_line(
		LOG_LEVEL_WARNING,
		"boot not completed: %u in a row with these packages; after %u, those on "
		"trial are quarantined%s",
		incomplete, trying->limit,
		trials->completed
			? ""
			: " (no boot of this device ever was: its firmware must "
			  "run 'wmopkg boot-complete')");
}

static struct overlay_candidate *list_candidates(const struct packages *packages)
{
	struct overlay_candidate *candidates =
		calloc(packages->state.count + 1, sizeof(*candidates));

	for (size_t i = 0; candidates && i < packages->state.count; i++) {
		candidates[i].entry = packages->state.entries[i].entry;
		candidates[i].active = packages->judged[i] != NULL;
		memcpy(candidates[i].id, packages->ids[i], sizeof(candidates[i].id));
	}
	return candidates;
}

/* The judge says what they are, asked once more with what is quarantined now. */
static void judge_again(const struct trying *trying,
			const struct verity_quarantine *quarantine,
			const struct overlay_candidate *candidates,
			struct packages *packages)
{
	struct verity_policy policy = *trying->judge.policy;
	struct packages_judge judge = trying->judge;

	policy.quarantine = quarantine;
	judge.policy = &policy;
	for (size_t i = 0; i < packages->state.count; i++)
		if (candidates[i].quarantined)
			packages_judge_again(packages, &judge, i);
}

static void leave_out(const struct trying *trying, const struct overlay_trials *trials,
		      const struct overlay_candidate *candidates,
		      struct packages *packages)
{
	struct verity_quarantine *quarantine = calloc(1, sizeof(*quarantine));
	size_t stuck = trying->judge.patience->stuck;
	struct verity_error why = {.message = "out of memory"};

	if (!quarantine || overlay_trials_quarantine(trials, quarantine, &why) < 0) {
		log_line(LOG_LEVEL_WARNING, "trials: %s", why.message);
		free(quarantine);
		return;
	}
	judge_again(trying, quarantine, candidates, packages);
	if (trying->judge.patience->stuck > stuck)
		return; /* a thread that never came back may look at it still */
	free((void *)(uintptr_t)quarantine->ids);
	free(quarantine);
}

/* @keep: store them before anything is activated */
static int begin(const struct trying *trying, struct overlay_trials *trials, bool keep,
		 struct packages *packages, struct verity_error *err)
{
	cleanup_free struct overlay_candidate *candidates = list_candidates(packages);
	const struct overlay_trials_boot boot = {
		.candidates = candidates,
		.count = packages->state.count,
		.listed = {trying->listed[0], trying->listed[1]},
		.limit = trying->limit,
	};
	size_t before = trials->count;
	struct verity_error why;
	int count;

	if (!candidates)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	count = overlay_trials_begin(trials, &boot, err);
	if (count < 0)
		return count;
	if (keep && (before || trials->count) &&
	    overlay_trials_store(trying->record_fd, trials, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "trials: this boot is not counted: %s",
			 why.message);
	leave_out(trying, trials, candidates, packages);
	return count;
}

int trying_begin(const struct trying *trying, struct packages *packages)
{
	cleanup_with(trials_free_p) struct overlay_trials trials = {0};
	struct verity_error why;
	int count;

	if (trying->limit == 0)
		return 0;
	if (trying->record_fd < 0) {
		if (packages->order_count > 0)
			log_line(LOG_LEVEL_NOTICE,
				 "trials: there is no persist volume to keep them on: no "
				 "package is on trial");
		return 0;
	}
	load(trying, &trials);
	log_incomplete(trying, &trials);
	count = begin(trying, &trials, true, packages, &why);
	if (count < 0)
		log_line(LOG_LEVEL_WARNING, "trials: this boot is not counted: %s",
			 why.message);
	return count < 0 ? 0 : count;
}

int trying_plan(const struct trying *trying, struct packages *packages,
		struct overlay_trials *ret, struct verity_error *err)
{
	cleanup_with(trials_free_p) struct overlay_trials trials = {0};
	int count;

	if (trying->limit == 0) {
		*ret = trials;
		return 0;
	}
	/* As a boot would, which begins a damaged record anew. */
	if (overlay_trials_load(trying->record_fd, &trials, NULL) < 0)
		trials = (struct overlay_trials){.completed = false};
	count = begin(trying, &trials, false, packages, err);
	if (count < 0)
		return count;
	*ret = trials;
	trials = (struct overlay_trials){.completed = false};
	return count;
}
