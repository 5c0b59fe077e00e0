/* SPDX-License-Identifier: MIT */
/* Verifies packages as timed jobs: small ones side by side, large ones one by one. */
#include "initramfs/packages_verify.h"

#include <stdlib.h>
#include <string.h>

#include "initramfs/verify_job.h"
#include "verity/util/cleanup.h"
#include "verity/util/parallel.h"

/* Jobs for some packages. */
struct run {
	const struct verify_context *context;
	struct packages *packages;
	struct timed_slot *slots;
	size_t count;
};

static void run_free(struct run *run)
{
	for (size_t i = 0; run->slots && i < run->count; i++)
		verify_job_free((struct verify_job *)run->slots[i].job);
	free(run->slots);
}

/* @threads: for the image of this package; 0: one for each processor */
static int run_add(struct run *run, size_t index, unsigned threads, bool may_wait,
		   struct verity_error *err)
{
	const struct boot_package *package = &run->packages->items[index];
	const struct overlay_entry *entry = &package->state->entry;
	struct verify_job *job;
	int r = verify_job_new(entry, &job, err);

	if (r < 0)
		return r;
	job->timed.limit_us = package->left_us;
	job->folder = overlay_store_folder(run->context->store, entry->kind);
	job->policy = *run->context->policy;
	job->policy.threads = threads;
	job->line = run->context->budget->line;
	job->may_wait = may_wait;
	run->slots[run->count].index = index;
	run->slots[run->count++].job = &job->timed;
	return 0;
}

static void take(const struct run *run, const struct timed_slot *slot)
{
	struct boot_package *package = &run->packages->items[slot->index];
	struct verify_job *job = (struct verify_job *)slot->job;
	struct verity_error why;

	package->waits = false;
	if (!job || slot->begun_us == 0) {
		package->state->verdict = VERITY_INVALID;
		verify_job_noted(slot, &package->state->file);
		boot_budget_late(run->context->budget, slot, "verified",
				 &package->state->judging, &why);
		packages_refuse(package, &why);
		return;
	}
	package->left_us = timed_job_left_us(slot, package->left_us);
	package->waits = job->waits;
	if (job->waits)
		return;
	*package->state = job->entry;
	memcpy(package->id, job->id, sizeof(job->id));
	package->verified = steal_ptr(&job->package);
	if (!package->verified)
		packages_refuse(package, &job->entry.reason);
}

enum which {
	ALL,   /* side by side, each on one processor; large ones may wait */
	LARGE, /* those that waited, one after the other, each on all processors */
	ONE,   /* the package @index */
};

static int verify(struct packages *packages, const struct verify_context *context,
		  enum which which, size_t index, struct verity_error *err)
{
	cleanup_with(run_free) struct run run = {
		.context = context,
		.packages = packages,
		.slots = calloc(packages->state.count + 1, sizeof(*run.slots)),
	};
	unsigned processors = verity_parallel_threads(0);
	bool may_wait = which == ALL && processors > 1 && !context->policy->lazy;
	int r = 0;

	if (!run.slots)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; r == 0 && i < packages->state.count; i++)
		if (which == ALL || (which == LARGE && packages->items[i].waits) ||
		    (which == ONE && i == index))
			r = run_add(&run, i, which == ALL ? 1 : 0, may_wait, err);
	if (r < 0)
		return r;
	boot_budget_run(context->budget, run.slots, run.count,
			which == ALL ? processors : 1);
	for (size_t i = 0; i < run.count; i++)
		take(&run, &run.slots[i]);
	return 0;
}

/* In a store that its signer does not want it in, or left out by the bootloader. */
static void check(struct boot_package *package, const struct overlay_bootconf *bootconf)
{
	const struct overlay_entry *entry = &package->state->entry;
	struct verity_error why = {.code = VERITY_OK};

	if (!package->verified)
		return;
	if (overlay_order_check_store(
		    verity_verified_manifest(verity_package_verified(package->verified)),
		    entry->kind, &why) == 0) {
		if (bootconf->safe)
			verity_fail(&why, VERITY_E_SAFE_MODE,
				    "the boot configuration leaves all packages out "
				    "(wmopkg.safe)");
		else if (overlay_bootconf_disabled(bootconf, entry->name))
			verity_fail(
				&why, VERITY_E_DISABLED,
				"the boot configuration leaves it out (wmopkg.disable)");
	}
	if (why.code != VERITY_OK)
		packages_refuse(package, &why);
}

/*
 * In two runs, so that no processor is idle for long, and slow storage is not read in too
 * many places at a time.
 */
int packages_load(const struct verify_context *context,
		  const struct overlay_bootconf *bootconf, struct packages *ret,
		  struct verity_error *err)
{
	cleanup_with(packages_free) struct packages packages = {.order_count = 0};
	int r = packages_list(context->store, context->budget, &packages, err);

	if (r == 0)
		r = verify(&packages, context, ALL, 0, err);
	if (r == 0)
		r = verify(&packages, context, LARGE, 0, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < packages.state.count; i++) {
		struct boot_package *package = &packages.items[i];

		check(package, bootconf);
		if (package->verified)
			packages.order[packages.order_count++] =
				(struct overlay_order_item){
					.entry = package->state->entry,
					.priority = verity_verified_manifest(
							    verity_package_verified(
								    package->verified))
							    ->priority,
					.index = i,
				};
	}
	overlay_order_sort(packages.order, packages.order_count);
	*ret = packages;
	packages = (struct packages){.order_count = 0};
	return 0;
}

void packages_verify_again(struct packages *packages,
			   const struct verify_context *context, size_t index)
{
	struct boot_package *package = &packages->items[index];
	struct verity_error why = {.code = VERITY_OK};
	size_t kept = 0;

	verity_package_free(package->verified);
	package->verified = NULL;
	/* Accepted only where its file was replaced in this very moment. */
	if (verify(packages, context, ONE, index, &why) == 0 && package->verified)
		verity_fail(&why, VERITY_E_BUSY,
			    "its file changed while it was verified");
	if (why.code != VERITY_OK)
		packages_refuse(package, &why);
	for (size_t i = 0; i < packages->order_count; i++)
		if (packages->order[i].index != index)
			packages->order[kept++] = packages->order[i];
	packages->order_count = kept;
}
