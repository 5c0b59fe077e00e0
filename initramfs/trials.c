/* SPDX-License-Identifier: MIT */
/* Counts boots that were not completed, and quarantines packages. */
#include "initramfs/trials.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "overlay/record/requirements.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

/* The verdict and reason of those that are quarantined now, and are refused already. */
static void judge_quarantined(const struct trials_context *context,
			      const struct overlay_trials *trials,
			      const struct overlay_candidate *candidates,
			      struct packages *packages)
{
	struct verity_quarantine *quarantine = calloc(1, sizeof(*quarantine));
	struct verity_policy policy = *context->verify.policy;
	struct verify_context verify = context->verify;
	size_t stuck = verify.budget->stuck;
	struct verity_error why = {.message = "out of memory"};

	if (!quarantine || overlay_trials_quarantine(trials, quarantine, &why) < 0) {
		log_line(LOG_LEVEL_WARNING, "trials: %s", why.message);
		free(quarantine);
		return;
	}
	policy.quarantine = quarantine;
	verify.policy = &policy;
	for (size_t i = 0; i < packages->state.count; i++)
		if (candidates[i].quarantined)
			packages_verify_again(packages, &verify, i);
	if (verify.budget->stuck > stuck)
		return; /* a thread that never came back may still use it */
	free((void *)(uintptr_t)quarantine->ids);
	free(quarantine);
}

/* What is quarantined or suspect, and what needs it, which is no part of this boot. */
static int leave_out(struct overlay_trials *trials,
		     const struct overlay_candidate *candidates,
		     struct packages *packages, struct verity_error *err)
{
	struct verity_error why;
	int r;

	for (size_t i = 0; i < packages->state.count; i++) {
		if (candidates[i].suspect)
			verity_fail(&why, VERITY_E_SUSPECT,
				    trials->search == OVERLAY_SEARCH_WITHOUT
					    ? "boots with it were not completed: it is "
					      "left out until a boot without it is"
					    : "boots with it were not completed: it is "
					      "left out of this boot, to find the "
					      "package that is the cause");
		else if (candidates[i].quarantined)
			verity_fail(
				&why, VERITY_E_QUARANTINED,
				"it was left out after boots that were not completed");
		else
			continue;
		packages_refuse(&packages->items[i], &why);
	}
	r = packages_relate(packages, err);
	for (size_t i = 0; r == 0 && i < packages->state.count; i++)
		if (candidates[i].active && !candidates[i].suspect &&
		    !candidates[i].quarantined && !packages->items[i].verified)
			overlay_trials_skip(trials, &candidates[i].entry);
	return r;
}

/* @keep: store the trials before anything is activated */
static int begin(const struct trials_context *context, struct overlay_trials *trials,
		 bool keep, struct packages *packages, struct verity_error *err)
{
	size_t total = packages->state.count, before = trials->count;
	cleanup_free struct overlay_candidate *candidates =
		calloc(total + 1, sizeof(*candidates));
	const struct overlay_trials_boot boot = {
		.candidates = candidates,
		.count = total,
		.listed = {packages->listed[0], packages->listed[1]},
		.limit = context->limit,
	};
	struct verity_error why;
	int r;

	if (!candidates)
		return verity_no_memory(err);
	for (size_t i = 0; i < total; i++) {
		const struct boot_package *package = &packages->items[i];

		candidates[i].entry = package->state->entry;
		candidates[i].active = package->verified != NULL;
		candidates[i].depth = package->depth;
		candidates[i].required = overlay_requirements_has(
			context->config, package->state->identity);
		memcpy(candidates[i].id, package->id, sizeof(candidates[i].id));
	}
	r = overlay_trials_begin(trials, &boot, err);
	if (r >= 0)
		r = leave_out(trials, candidates, packages, err);
	if (r < 0)
		return r;
	if (keep && (before || trials->count) &&
	    overlay_trials_store(context->record_fd, trials, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "trials: this boot is not counted: %s",
			 why.message);
	judge_quarantined(context, trials, candidates, packages);
	return 0;
}

/* Which packages are left out, and which are in this boot to be told from them. */
static void tell_search(const struct overlay_trials *trials)
{
	char out[512] = "", in[512] = "";

	for (size_t i = 0; i < trials->count; i++) {
		const struct overlay_trial *trial = &trials->items[i];
		char *list = trial->ran ? in : out;

		if (trial->suspicion != OVERLAY_SUSPICION_NONE)
			verity_text_append(list, sizeof(out), "%s%s", list[0] ? ", " : "",
					   trial->entry.name);
	}
	if (trials->search == OVERLAY_SEARCH_WITHOUT && out[0])
		log_line(LOG_LEVEL_WARNING,
			 "trials: left out, to see whether a boot without them is "
			 "completed ('wmopkg boot-complete'): %s",
			 out);
	else if (in[0])
		log_line(LOG_LEVEL_WARNING,
			 "trials: to find the package that stops the boot, this boot is "
			 "with: %s; without: %s",
			 in, out[0] ? out : "none");
}

void trials_begin(const struct trials_context *context, struct packages *packages)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	struct verity_error why;
	unsigned incomplete;

	if (context->limit == 0)
		return;
	if (context->record_fd < 0) {
		if (packages->order_count > 0)
			log_line(LOG_LEVEL_NOTICE,
				 "trials: there is no persist volume to keep them on: no "
				 "package is on trial");
		return;
	}
	/* What was quarantined is then tried once more. */
	if (overlay_trials_load(context->record_fd, &trials, &why) < 0) {
		log_line(LOG_LEVEL_WARNING, "trials: reset, as they cannot be read: %s",
			 why.message);
		trials = (struct overlay_trials){.completed = false};
	}
	if (trials.mark_ignored)
		log_line(
			LOG_LEVEL_WARNING,
			"audit log: the record of the last completed boot says that it had "
			"%" PRIu64
			" lines, which no log has: ignored, PERSIST was changed",
			trials.mark_ignored);
	incomplete = overlay_trials_incomplete(&trials);
	/* For the integrator of a firmware that never completes a boot. */
	if (incomplete > 0)
		log_line(LOG_LEVEL_WARNING,
			 "boot not completed: %u in a row with these packages; after %u, "
			 "those on trial are left out%s",
			 incomplete, context->limit,
			 trials.completed
				 ? ""
				 : " (no boot of this device ever was: its firmware must "
				   "run 'wmopkg boot-complete')");
	if (begin(context, &trials, true, packages, &why) < 0)
		log_line(LOG_LEVEL_WARNING, "trials: this boot is not counted: %s",
			 why.message);
	else
		tell_search(&trials);
}

int trials_plan(const struct trials_context *context, struct packages *packages,
		struct overlay_trials *ret, struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	int r = 0;

	/* As a boot does, which starts with an empty record then. */
	if (context->limit > 0) {
		if (overlay_trials_load(context->record_fd, &trials, NULL) < 0)
			trials = (struct overlay_trials){.completed = false};
		r = begin(context, &trials, false, packages, err);
	}
	if (r < 0)
		return r;
	*ret = trials;
	trials = (struct overlay_trials){.completed = false};
	return 0;
}
