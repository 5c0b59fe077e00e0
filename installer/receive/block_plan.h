/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Which blocks of an image are copied from a file that is on the device, and which are
 * fetched. Pure: digests of what is wanted, then of what is there, become runs of blocks.
 * Whoever copies judges what he copies: here a digest is only compared by its first
 * bytes.
 */

#include <stdbool.h>
#include <stdint.h>

#include "verity/util/cleanup.h"
#include "verity/util/error.h"
#include "verity/util/sizes.h"

/* Of an image, and of the file: 2 GiB. Memory is 24 bytes a block. */
#define BLOCK_PLAN_MAX (UINT32_C(1) << 19)

#define BLOCK_NOWHERE UINT32_MAX

struct block_plan;

/* Blocks of the image that follow each other, and come from one place. */
struct block_run {
	uint32_t first, end; /* the block after the last */
	uint32_t place; /* block of the file that has @first; BLOCK_NOWHERE: fetched */
};

/**
 * block_plan_new - a plan for an image of @count blocks, none of which is known
 * @count: 1 .. BLOCK_PLAN_MAX
 * @ret:   set on success only; block_plan_free()
 */
int block_plan_new(uint32_t count, struct block_plan **ret,
		   struct verity_error *err) must_check;

void block_plan_free(struct block_plan *plan);
DEFINE_CLEANUP(struct block_plan, block_plan_free);

/**
 * block_plan_want - the digest of @block, for each block once
 */
void block_plan_want(struct block_plan *plan, uint32_t block,
		     const uint8_t digest[static VERITY_DIGEST_BYTES]);

/**
 * block_plan_sort - after the last block_plan_want(), before the first block_plan_have()
 */
void block_plan_sort(struct block_plan *plan);

/**
 * block_plan_have - block @place of the file has this digest
 *
 * The first place of several counts. Costs log2 of the blocks, whatever they are.
 */
void block_plan_have(struct block_plan *plan, uint32_t place,
		     const uint8_t digest[static VERITY_DIGEST_BYTES]);

/**
 * block_plan_close - decide, after the last block_plan_have()
 * @gap:       fewer blocks than these between two fetched ones are fetched as well: a
 *             request of its own would cost more
 * @parts_max: at most so many runs are fetched, which makes gaps larger
 * @percent:   where fewer blocks than these would be copied, none are
 */
void block_plan_close(struct block_plan *plan, uint32_t gap, uint32_t parts_max,
		      unsigned percent);

/**
 * block_plan_lose - the file does not have these blocks after all
 */
void block_plan_lose(struct block_plan *plan, uint32_t first, uint32_t end);

/**
 * block_plan_run - the run that begins at @first
 * @most: one that is copied ends after so many blocks; cost: as many, or the blocks that
 *        are fetched
 */
struct block_run block_plan_run(const struct block_plan *plan, uint32_t first,
				uint32_t most);

/**
 * block_plan_missing - how many blocks from @first on are fetched
 */
uint32_t block_plan_missing(const struct block_plan *plan, uint32_t first);
