/* SPDX-License-Identifier: MIT */
/* Verifies packages as timed jobs: those first that come first in line. */
#include "initramfs/packages_verify.h"

#include <stdlib.h>
#include <string.h>

#include "initramfs/log.h"
#include "initramfs/verify_job.h"
#include "overlay/store/boot_rules.h"
#include "verity/util/cleanup.h"
#include "verity/util/parallel.h"

/*
 * Files of one package of which the image is read, where those before do not match. Who
 * copies a package often, and damages each copy, costs the boot no more than that.
 */
#define ATTEMPTS 3

struct load {
	const struct verify_context *context;
	const struct overlay_bootconf *bootconf;
	struct packages *packages;
	unsigned processors;
};

/* Jobs for some packages. */
struct run {
	struct timed_slot *slots;
	size_t count;
};

static void run_free(struct run *run)
{
	for (size_t i = 0; run->slots && i < run->count; i++)
		verify_job_free((struct verify_job *)run->slots[i].job);
	free(run->slots);
}

static void run_add(struct run *run, size_t index, struct verify_job *job)
{
	run->slots[run->count].index = index;
	run->slots[run->count++].job = &job->timed;
}

/* Return: whether the job was abandoned, or never begun. */
static bool take_late(struct packages *packages, const struct timed_slot *slot)
{
	struct boot_package *package = &packages->items[slot->index];
	struct verity_error why;

	if (slot->job && slot->begun_us > 0)
		return false;
	package->state->verdict = VERITY_INVALID;
	if (slot->begun_us > 0)
		verify_job_noted(slot, &package->state->file);
	boot_budget_late(packages->budget, BOOT_BUDGET_VERIFY, slot,
			 &package->state->judging, &why);
	packages_refuse(package, &why);
	return true;
}

static void take(struct packages *packages, const struct timed_slot *slot)
{
	struct boot_package *package = &packages->items[slot->index];
	struct verify_job *job = (struct verify_job *)slot->job;

	package->left_us = timed_job_left_us(slot, package->left_us);
	*package->state = job->entry;
	memcpy(package->id, job->id, sizeof(job->id));
	package->verified = steal_ptr(&job->package);
	if (!package->verified)
		packages_refuse(package, &job->entry.reason);
}

static int verify_heads(struct packages *packages, const struct verify_context *context,
			size_t first, size_t count, struct verity_error *err)
{
	cleanup_with(run_free) struct run run = {
		.slots = calloc(count + 1, sizeof(*run.slots)),
	};
	int r = 0;

	if (!run.slots)
		return verity_no_memory(err);
	for (size_t i = first; r == 0 && i < first + count; i++) {
		const struct boot_package *package = &packages->items[i];
		const struct overlay_entry *entry = &package->state->entry;
		struct verify_job *job;

		r = verify_job_new_head(entry, &job, err);
		if (r < 0)
			break;
		job->timed.limit_us = package->left_us;
		job->line = context->budget->line;
		job->folder = overlay_store_folder(context->store, entry->kind);
		job->policy = *context->policy;
		job->policy.lazy = true;
		run_add(&run, i, job);
	}
	if (r < 0)
		return r;
	boot_budget_run(context->budget, BOOT_BUDGET_VERIFY, run.slots, run.count,
			verity_parallel_threads(0));
	for (size_t i = 0; i < run.count; i++) {
		packages->items[run.slots[i].index].read = true;
		if (!take_late(packages, &run.slots[i]))
			take(packages, &run.slots[i]);
	}
	return 0;
}

/* The images of those that count: small ones side by side, large ones one by one. */
static int verify_images(const struct load *load, bool large, struct verity_error *err)
{
	struct packages *packages = load->packages;
	cleanup_with(run_free) struct run run = {
		.slots = calloc(packages->state.count + 1, sizeof(*run.slots)),
	};
	int r = 0;

	if (!run.slots)
		return verity_no_memory(err);
	for (size_t i = 0; r == 0 && i < packages->state.count; i++) {
		struct boot_package *package = &packages->items[i];
		struct verify_job *job;

		if (!package->verified || package->duplicate || package->whole)
			continue;
		if (large != (verity_package_layout(package->verified)->file_bytes >
			      VERIFY_JOB_LARGE_BYTES))
			continue;
		r = verify_job_new_image(package->state, &job, err);
		if (r < 0)
			break;
		job->timed.limit_us = package->left_us;
		job->line = load->context->budget->line;
		job->threads = large ? 0 : 1;
		job->package = steal_ptr(&package->verified);
		memcpy(job->id, package->id, sizeof(job->id));
		package->whole = true;
		run_add(&run, i, job);
	}
	if (r < 0)
		return r;
	boot_budget_run(load->context->budget, BOOT_BUDGET_VERIFY, run.slots, run.count,
			large ? 1 : load->processors);
	for (size_t i = 0; i < run.count; i++)
		if (!take_late(packages, &run.slots[i]))
			take(packages, &run.slots[i]);
	return 0;
}

/* In a store that its signer does not want it in, or left out by the bootloader. */
static void check(struct boot_package *package, const struct overlay_bootconf *bootconf)
{
	const struct overlay_boot_rules rules = {.bootconf = bootconf};
	struct verity_error why;

	if (package->verified &&
	    overlay_boot_rules_check(
		    &rules, &package->state->entry,
		    verity_verified_manifest(verity_package_verified(package->verified)),
		    &why) < 0)
		packages_refuse(package, &why);
}

static struct overlay_claim claim_of(const struct boot_package *package,
				     const struct overlay_good_set *good)
{
	const struct overlay_state_entry *state = package->state;
	const struct verity_judgement *judgement =
		verity_package_judgement(package->verified);

	return (struct overlay_claim){
		.entry = state->entry,
		.identity = state->identity,
		.version = state->version,
		.epoch = judgement->manifest->epoch,
		.trusted = judgement->trusted,
		.good = overlay_good_has(good, &state->entry, state->identity,
					 state->root_hash),
	};
}

/*
 * Finds the duplicates among all that are accepted so far. With @final they are left out,
 * and the reason says which one counts; and so is what counts and was not read, as too
 * many of its duplicates did not match.
 */
static int settle(const struct load *load, bool final, struct verity_error *err)
{
	struct packages *packages = load->packages;
	size_t most = packages->state.count + 1, count = 0;
	cleanup_free struct overlay_claim *claims = calloc(most, sizeof(*claims));
	cleanup_free size_t *items = calloc(most, sizeof(*items));
	cleanup_free size_t *counts = calloc(most, sizeof(*counts));
	struct verity_error why;
	int r;

	if (!claims || !items || !counts)
		return verity_no_memory(err);
	for (size_t i = 0; i < packages->state.count; i++) {
		if (!packages->items[i].verified)
			continue;
		claims[count] =
			claim_of(&packages->items[i], &load->context->hints->good);
		items[count++] = i;
	}
	r = overlay_order_settle(claims, count, counts, err);
	for (size_t i = 0; r == 0 && i < count; i++) {
		struct boot_package *package = &packages->items[items[i]];

		package->good = claims[i].good;
		package->duplicate = counts[i] != i;
		if (!final || (!package->duplicate && package->whole))
			continue;
		package->moved =
			strcmp(claims[i].entry.name, claims[counts[i]].entry.name) == 0 &&
			claims[i].entry.kind == OVERLAY_ORDINARY && package->duplicate;
		if (package->duplicate)
			overlay_order_duplicate(&claims[i], &claims[counts[i]], &why);
		else
			verity_fail(
				&why, VERITY_E_TOO_MANY,
				"%d other files of this package do not match, so this "
				"one is not read (remove the files that do not match)",
				ATTEMPTS);
		packages_refuse(package, &why);
	}
	return r;
}

/* @first, @count: what was added last, and whose heads were verified */
static int verify_added(const struct load *load, size_t first, size_t count,
			struct verity_error *err)
{
	bool lazy = load->context->policy->lazy;
	int r = 0;

	for (size_t i = first; i < first + count; i++) {
		check(&load->packages->items[i], load->bootconf);
		load->packages->items[i].whole = lazy;
	}
	for (int attempt = 0; r == 0 && attempt < ATTEMPTS; attempt++) {
		r = settle(load, false, err);
		if (r == 0)
			r = verify_images(load, false, err);
		if (r == 0)
			r = verify_images(load, true, err);
	}
	return r;
}

/* A few at a time, until too much time was spent on those that are refused. */
static int verify_strangers(const struct load *load, size_t first, size_t count,
			    struct verity_error *err)
{
	const uint64_t most_us = (uint64_t)BOOT_BUDGET_STRANGERS_US * load->processors;
	struct packages *packages = load->packages;
	uint64_t us = 0;
	struct verity_error why;
	size_t done = 0;
	int r = 0;

	while (r == 0 && done < count && us < most_us) {
		size_t few = 2 * load->processors;

		if (few > count - done)
			few = count - done;
		r = verify_heads(packages, load->context, first + done, few, err);
		for (size_t i = first + done; r == 0 && i < first + done + few; i++) {
			const struct boot_package *package = &packages->items[i];
			const struct overlay_span *span = &package->state->judging;

			us += package->verified ? 0 : span->end_us - span->start_us;
		}
		done += few;
	}
	verity_fail(
		&why, VERITY_E_TOO_MANY,
		"it is not verified: this boot has spent %d s on files of DATA that are "
		"refused, and this one was not active in the last completed boot",
		BOOT_BUDGET_STRANGERS_US / 1000000);
	for (; done < count; done++)
		packages_refuse(&packages->items[first + done], &why);
	return r;
}

/* Left out, because earlier boots ended before the packages were verified. */
static bool leave_out(const struct load *load, enum boot_rank rank, size_t first,
		      size_t count)
{
	enum overlay_caution caution = load->context->hints->caution;
	struct verity_error why;

	if (caution != OVERLAY_CAUTION_ALL &&
	    (caution < OVERLAY_CAUTION_STRANGERS || rank != BOOT_RANK_STRANGER))
		return false;
	verity_fail(&why, VERITY_E_TIMED_OUT,
		    "it is not verified in this boot: %u boots in a row ended before the "
		    "packages were verified (complete a boot: 'wmopkg "
		    "boot-complete')",
		    load->context->hints->begun);
	for (size_t i = first; i < first + count; i++)
		packages_refuse(&load->packages->items[i], &why);
	return true;
}

static int load_rank(const struct load *load, enum boot_rank rank,
		     const struct overlay_survey *survey, struct verity_error *err)
{
	size_t first = load->packages->state.count, count;
	int r;

	packages_add(load->packages, survey, rank);
	count = load->packages->state.count - first;
	if (count == 0 || leave_out(load, rank, first, count))
		return 0;
	r = rank == BOOT_RANK_STRANGER
		    ? verify_strangers(load, first, count, err)
		    : verify_heads(load->packages, load->context, first, count, err);
	return r < 0 ? r : verify_added(load, first, count, err);
}

/* In the last good set, by its name: the rest is seen when its head was read. */
static bool is_named_good(const struct hints *hints, const struct overlay_entry *entry)
{
	for (size_t i = 0; i < hints->good.count; i++)
		if (hints->good.items[i].entry.kind == entry->kind &&
		    strcmp(hints->good.items[i].entry.name, entry->name) == 0)
			return true;
	return false;
}

/* It has a copy of the hints: they may be gone before it comes back. */
struct survey_job {
	struct timed_job timed;
	const struct overlay_store *store; /* borrowed */
	enum overlay_store_kind kind;
	struct overlay_entry *first; /* owned */
	size_t first_count;

	/* The result. */
	struct overlay_survey survey; /* owned */
	int r;
	struct verity_error why;
};

static void survey_job_discard(struct timed_job *timed)
{
	struct survey_job *job = (struct survey_job *)timed;

	overlay_survey_free(&job->survey);
	free(job->first);
	free(job);
}

static void survey_job_run(struct timed_job *timed)
{
	struct survey_job *job = (struct survey_job *)timed;

	job->r = overlay_survey_add(job->store, job->kind, job->first, job->first_count,
				    &job->survey, &job->why);
}

static int list_store(const struct load *load, enum overlay_store_kind kind,
		      struct overlay_survey *ret, struct verity_error *err)
{
	const struct hints *hints = load->context->hints;
	struct boot_budget *budget = load->context->budget;
	struct survey_job *job = calloc(1, sizeof(*job));
	struct overlay_entry *first = calloc(hints->first_count + 1, sizeof(*first));
	int r;

	if (!job || !first) {
		free(job);
		free(first);
		return verity_no_memory(err);
	}
	if (hints->first_count > 0)
		memcpy(first, hints->first, hints->first_count * sizeof(*first));
	job->timed.run = survey_job_run;
	job->timed.discard = survey_job_discard;
	job->timed.limit_us = boot_budget_package_us(budget);
	job->store = load->context->store;
	job->kind = kind;
	job->first = first;
	job->first_count = hints->first_count;
	if (!boot_budget_run_one(budget, BOOT_BUDGET_VERIFY, &job->timed))
		return verity_fail(
			err, VERITY_E_TIMED_OUT,
			"its packages were not listed in time: its storage may "
			"be failing");
	r = job->r;
	if (r < 0)
		*err = job->why;
	*ret = job->survey;
	job->survey = (struct overlay_survey){.count = 0};
	survey_job_discard(&job->timed);
	return r;
}

static int load_store(const struct load *load, enum overlay_store_kind kind,
		      struct verity_error *err)
{
	const struct hints *hints = load->context->hints;
	cleanup_with(overlay_survey_free) struct overlay_survey survey = {.count = 0};
	struct overlay_survey part;
	struct verity_error why;
	size_t good = 0;
	int r = list_store(load, kind, &survey, &why);

	if (r < 0) {
		log_line(LOG_LEVEL_WARNING, "%s: %s",
			 kind == OVERLAY_ORDINARY ? "data" : "persist", why.message);
		return 0;
	}
	load->packages->listed[kind] = overlay_store_is_there(load->context->store, kind);
	load->packages->state.unlisted[kind] = survey.unlisted[kind];
	if (kind == OVERLAY_PERSISTENT)
		return load_rank(load, BOOT_RANK_PERSIST, &survey, err);
	/* those of the good set are the first ones of the list */
	while (good < survey.count && is_named_good(hints, &survey.entries[good]))
		good++;
	part = (struct overlay_survey){.entries = survey.entries, .count = good};
	r = load_rank(load, BOOT_RANK_GOOD, &part, err);
	if (good > 0)
		part.entries += good;
	part.count = survey.count - good;
	return r < 0 ? r : load_rank(load, BOOT_RANK_STRANGER, &part, err);
}

int packages_load(const struct verify_context *context,
		  const struct overlay_bootconf *bootconf, struct packages *ret,
		  struct verity_error *err)
{
	cleanup_with(packages_free) struct packages packages = {.order_count = 0};
	const struct load load = {context, bootconf, &packages,
				  verity_parallel_threads(0)};
	int r = packages_new(context->budget, &packages, err);

	if (r == 0)
		r = load_store(&load, OVERLAY_PERSISTENT, err);
	if (r == 0 && context->hints->caution < OVERLAY_CAUTION_DATA)
		r = load_store(&load, OVERLAY_ORDINARY, err);
	if (r == 0)
		r = settle(&load, true, err);
	if (r == 0)
		r = packages_sort(&packages, err);
	/* Before what will not be active takes memory from others. */
	if (r == 0)
		r = packages_relate(&packages, err);
	if (r < 0)
		return r;
	*ret = packages;
	packages = (struct packages){.order_count = 0};
	return 0;
}

void packages_verify_again(struct packages *packages,
			   const struct verify_context *context, size_t index)
{
	struct boot_package *package = &packages->items[index];
	struct verity_error why = {.code = VERITY_OK};

	verity_package_free(package->verified);
	package->verified = NULL;
	/* Accepted only where its file was replaced in this very moment. */
	if (verify_heads(packages, context, index, 1, &why) == 0 && package->verified)
		verity_fail(&why, VERITY_E_BUSY,
			    "its file changed while it was verified (reboot)");
	if (why.code != VERITY_OK)
		packages_refuse(package, &why);
	packages_put_in_order(packages);
}
