/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "initramfs/packages.h"
#include "initramfs/verify_job.h"
#include "verity/util/cleanup.h"
#include "verity/util/parallel.h"

/* Jobs for some packages. */
struct run {
	const struct packages_judge *judge;
	struct packages *packages;
	struct box_slot *slots;
	size_t *indices; /* beside .slots: into .packages */
	size_t count;
};

static void run_free(struct run *run)
{
	for (size_t i = 0; i < run->count; i++)
		judging_free((struct judging *)run->slots[i].box);
	free(run->slots);
	free(run->indices);
}

static int run_new(const struct packages_judge *judge, struct packages *packages,
		   struct run *ret, struct verity_error *err)
{
	size_t room = packages->state.count ? packages->state.count : 1;

	*ret = (struct run){.judge = judge, .packages = packages};
	ret->slots = calloc(room, sizeof(*ret->slots));
	ret->indices = calloc(room, sizeof(*ret->indices));
	if (!ret->slots || !ret->indices)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	return 0;
}

/* @threads: for the image of this package; 0: one for each processor. */
static int run_add(struct run *run, size_t index, unsigned threads, bool may_wait,
		   struct verity_error *err)
{
	const struct overlay_entry *entry = &run->packages->state.entries[index].entry;
	struct judging *judging;
	int r = judging_new(entry, &judging, err);

	if (r < 0)
		return r;
	judging->box.limit_us = run->packages->left_us[index];
	judging->folder = overlay_store_folder(run->judge->store, entry->kind);
	judging->policy = *run->judge->policy;
	judging->policy.threads = threads;
	judging->line = run->judge->patience->line;
	judging->may_wait = may_wait;
	run->indices[run->count] = index;
	run->slots[run->count++].box = &judging->box;
	return 0;
}

/* Where its thread never came back, all there is to say is how long it was waited for. */
static void take_late(struct run *run, size_t i)
{
	const struct box_slot *slot = &run->slots[i];
	struct overlay_state_entry *entry =
		&run->packages->state.entries[run->indices[i]];
	struct verity_error why;

	entry->verdict = VERITY_INVALID;
	judging_noted(slot, &entry->file);
	if (slot->begun_us > 0)
		patience_span(slot, &entry->judging);
	patience_reason(run->judge->patience, "verified", &why);
	packages_refuse(run->packages, run->indices[i], &why);
}

static void take(struct run *run, size_t i)
{
	struct judging *judging = (struct judging *)run->slots[i].box;
	struct packages *packages = run->packages;
	size_t index = run->indices[i];

	if (!judging || run->slots[i].begun_us == 0) {
		take_late(run, i);
		return;
	}
	packages->left_us[index] = box_left_us(&run->slots[i], packages->left_us[index]);
	if (judging->waits)
		return;
	packages->state.entries[index] = judging->entry;
	memcpy(packages->ids[index], judging->id, sizeof(judging->id));
	packages->judged[index] = steal_ptr(&judging->package);
	if (!packages->judged[index])
		packages_refuse(packages, index, &judging->entry.reason);
}

static void run_all(struct run *run, unsigned most)
{
	patience_run(run->judge->patience, run->slots, run->count, most);
	for (size_t i = 0; i < run->count; i++)
		take(run, i);
}

static int judge_large(const struct run *small, struct verity_error *err)
{
	struct run large;
	int r = run_new(small->judge, small->packages, &large, err);

	for (size_t i = 0; r == 0 && i < small->count; i++) {
		const struct judging *judging =
			(const struct judging *)small->slots[i].box;

		if (judging && judging->waits)
			r = run_add(&large, small->indices[i], 0, false, err);
	}
	if (r == 0)
		run_all(&large, 1);
	run_free(&large);
	return r;
}

/*
 * Small ones side by side, each on one processor; then the large ones, one after the
 * other, each on all of them. So no processor idles for long, and slow storage is not
 * read in too many places at a time.
 */
int packages_judge_all(struct packages *packages, const struct packages_judge *judge,
		       struct verity_error *err)
{
	unsigned processors = verity_parallel_threads(0);
	bool may_wait = processors > 1 && !judge->policy->lazy;
	struct run run;
	int r = run_new(judge, packages, &run, err);

	for (size_t i = 0; r == 0 && i < packages->state.count; i++)
		r = run_add(&run, i, 1, may_wait, err);
	if (r == 0) {
		run_all(&run, processors);
		r = judge_large(&run, err);
	}
	run_free(&run);
	return r;
}

int packages_judge_one(struct packages *packages, const struct packages_judge *judge,
		       size_t index, struct verity_error *err)
{
	struct run run;
	int r = run_new(judge, packages, &run, err);

	if (r == 0)
		r = run_add(&run, index, 0, false, err);
	if (r == 0)
		run_all(&run, 1);
	run_free(&run);
	return r;
}
