/* SPDX-License-Identifier: MIT */
/* Counts the time that a boot waits for its packages. */
#include "initramfs/boot_budget.h"

#define SECOND_US 1000000

struct boot_budget boot_budget_new(unsigned package_seconds, unsigned boot_seconds)
{
	uint64_t quarter_us = (uint64_t)boot_seconds * SECOND_US / 4;
	uint64_t now = timed_now();

	return (struct boot_budget){
		.package_seconds = package_seconds,
		.boot_seconds = boot_seconds,
		.line = -1,
		.until_us = {
			[BOOT_BUDGET_VERIFY] = boot_seconds
						       ? timed_after(now, 2 * quarter_us)
						       : TIMED_NO_LIMIT,
			[BOOT_BUDGET_ATTACH] = boot_seconds
						       ? timed_after(now, 3 * quarter_us)
						       : TIMED_NO_LIMIT,
		}};
}

uint64_t boot_budget_package_us(const struct boot_budget *budget)
{
	return budget->package_seconds ? (uint64_t)budget->package_seconds * SECOND_US
				       : TIMED_NO_LIMIT;
}

/* What a large package is given in addition is added to the later part, too. */
void boot_budget_run(struct boot_budget *budget, enum boot_budget_part part,
		     struct timed_slot *slots, size_t count, unsigned most)
{
	uint64_t before_us = budget->until_us[part];

	budget->stuck += timed_jobs_run(slots, count, most, &budget->until_us[part]);
	for (unsigned later = part + 1; later < BOOT_BUDGET_PARTS; later++)
		budget->until_us[later] = timed_after(budget->until_us[later],
						      budget->until_us[part] - before_us);
}

bool boot_budget_run_one(struct boot_budget *budget, enum boot_budget_part part,
			 struct timed_job *job)
{
	struct timed_slot slot = {.job = job};

	boot_budget_run(budget, part, &slot, 1, 1);
	if (slot.job && slot.begun_us > 0)
		return true;
	if (slot.job) /* never begun */
		job->discard(job);
	return false;
}

void boot_budget_late(const struct boot_budget *budget, enum boot_budget_part part,
		      const struct timed_slot *slot, struct overlay_span *span,
		      struct verity_error *ret)
{
	const char *what = part == BOOT_BUDGET_VERIFY ? "verified" : "mounted";
	uint64_t now = timed_now();

	if (slot->begun_us > 0) {
		overlay_span_end(span);
		span->start_us = span->end_us - (now - slot->begun_us);
	}
	if (now >= budget->until_us[part])
		verity_fail(ret, VERITY_E_TIMED_OUT,
			    "the time for all packages was over before it was %s "
			    "(boot_seconds = %u)",
			    what, budget->boot_seconds);
	else
		verity_fail(ret, VERITY_E_TIMED_OUT,
			    "it was not %s within its time (package_seconds = %u): its "
			    "storage may be failing",
			    what, budget->package_seconds);
}
