/* SPDX-License-Identifier: MIT */
#include "initramfs/boot_budget.h"

#define SECOND_US 1000000

/* The last quarter is for what comes after the packages. */
struct patience patience_new(unsigned package_seconds, unsigned boot_seconds)
{
	uint64_t us = (uint64_t)boot_seconds * SECOND_US / 4 * 3;

	return (struct patience){
		.package_seconds = package_seconds,
		.boot_seconds = boot_seconds,
		.line = -1,
		.until_us = boot_seconds ? boxes_after(boxes_now(), us) : BOXES_NO_LIMIT,
	};
}

uint64_t patience_box_us(const struct patience *patience)
{
	if (patience->package_seconds == 0)
		return BOXES_NO_LIMIT;
	return (uint64_t)patience->package_seconds * SECOND_US;
}

void patience_run(struct patience *patience, struct box_slot *slots, size_t count,
		  unsigned most)
{
	patience->stuck += boxes_run(slots, count, most, &patience->until_us);
}

void patience_reason(const struct patience *patience, const char *what,
		     struct verity_error *ret)
{
	if (boxes_now() >= patience->until_us)
		verity_fail(ret, VERITY_E_TIMED_OUT,
			    "the time for all packages was over before it was %s "
			    "(boot_seconds = %u)",
			    what, patience->boot_seconds);
	else
		verity_fail(ret, VERITY_E_TIMED_OUT,
			    "it was not %s within its time (package_seconds = %u): its "
			    "storage may be failing",
			    what, patience->package_seconds);
}

void patience_span(const struct box_slot *slot, struct overlay_span *ret)
{
	overlay_span_end(ret);
	ret->start_us = ret->end_us - (boxes_now() - slot->begun_us);
}
