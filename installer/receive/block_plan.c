/* SPDX-License-Identifier: MIT */
/* From digests to runs of blocks. */
#include "installer/receive/block_plan.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX_BYTES 16 /* no two blocks of honest images share them */

struct wanted {
	uint8_t prefix[PREFIX_BYTES];
	uint32_t block;
};

struct block_plan {
	uint32_t count;
	struct wanted *wanted; /* by prefix */
	uint32_t *places;      /* of each block; BLOCK_NOWHERE */
};

int block_plan_new(uint32_t count, struct block_plan **ret, struct verity_error *err)
{
	cleanup_with(block_plan_free_p) struct block_plan *plan =
		calloc(1, sizeof(*plan));

	if (plan) {
		plan->count = count;
		plan->wanted = calloc(count, sizeof(*plan->wanted));
		plan->places = calloc(count, sizeof(*plan->places));
	}
	if (!plan || !plan->wanted || !plan->places)
		return verity_no_memory(err);
	block_plan_lose(plan, 0, count);
	*ret = steal_ptr(&plan);
	return 0;
}

void block_plan_free(struct block_plan *plan)
{
	if (!plan)
		return;
	free(plan->wanted);
	free(plan->places);
	free(plan);
}

void block_plan_want(struct block_plan *plan, uint32_t block,
		     const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	memcpy(plan->wanted[block].prefix, digest, PREFIX_BYTES);
	plan->wanted[block].block = block;
}

static int compare(const void *a, const void *b)
{
	const struct wanted *one = a, *other = b;

	return memcmp(one->prefix, other->prefix, PREFIX_BYTES)
		       ?: (one->block > other->block) - (one->block < other->block);
}

void block_plan_sort(struct block_plan *plan)
{
	qsort(plan->wanted, plan->count, sizeof(*plan->wanted), compare);
}

void block_plan_have(struct block_plan *plan, uint32_t place,
		     const uint8_t digest[static VERITY_DIGEST_BYTES])
{
	uint32_t low = 0, high = plan->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (memcmp(plan->wanted[middle].prefix, digest, PREFIX_BYTES) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	/* All that are the same get their place together: each is written once. */
	for (; low < plan->count &&
	       memcmp(plan->wanted[low].prefix, digest, PREFIX_BYTES) == 0 &&
	       plan->places[plan->wanted[low].block] == BLOCK_NOWHERE;
	     low++)
		plan->places[plan->wanted[low].block] = place;
}

/* The end of the blocks that are fetched, or of those that are not, from @first on. */
static uint32_t end_of(const struct block_plan *plan, uint32_t first)
{
	bool fetched = plan->places[first] == BLOCK_NOWHERE;
	uint32_t end = first + 1;

	while (end < plan->count && (plan->places[end] == BLOCK_NOWHERE) == fetched)
		end++;
	return end;
}

/* Return: how many runs are fetched then. */
static uint32_t close_gaps(struct block_plan *plan, uint32_t gap)
{
	uint32_t parts = 0, end;

	for (uint32_t first = 0; first < plan->count; first = end) {
		end = end_of(plan, first);
		if (plan->places[first] == BLOCK_NOWHERE)
			parts++;
		else if (first > 0 && end < plan->count && end - first < gap) {
			block_plan_lose(plan, first, end);
			/* What comes before it and after it is one. */
			parts--;
		}
	}
	return parts;
}

void block_plan_close(struct block_plan *plan, uint32_t gap, uint32_t parts_max,
		      unsigned percent)
{
	uint64_t copied;

	while (close_gaps(plan, gap) > parts_max)
		gap *= 2;
	copied = plan->count - block_plan_missing(plan, 0);
	if (copied * 100 < (uint64_t)plan->count * percent)
		block_plan_lose(plan, 0, plan->count);
}

void block_plan_lose(struct block_plan *plan, uint32_t first, uint32_t end)
{
	for (; first < end; first++)
		plan->places[first] = BLOCK_NOWHERE;
}

struct block_run block_plan_run(const struct block_plan *plan, uint32_t first,
				uint32_t most)
{
	struct block_run run = {first, first + 1, plan->places[first]};

	if (run.place == BLOCK_NOWHERE)
		run.end = end_of(plan, first);
	else
		while (run.end < plan->count && run.end - first < most &&
		       plan->places[run.end] == run.place + (run.end - first))
			run.end++;
	return run;
}

uint32_t block_plan_missing(const struct block_plan *plan, uint32_t first)
{
	uint32_t missing = 0;

	for (; first < plan->count; first++)
		missing += plan->places[first] == BLOCK_NOWHERE;
	return missing;
}
