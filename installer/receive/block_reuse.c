/* SPDX-License-Identifier: MIT */
/* Reads the old package, and feeds its blocks where the new one has the same. */
#include "installer/receive/block_reuse.h"

#include <inttypes.h>
#include <stdlib.h>

#include "installer/common/signals.h"
#include "installer/receive/block_plan.h"
#include "verity/package/preamble.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"

/* Where less can be saved, one transfer is as good. */
#define FILE_MIN (UINT64_C(256) << 10)
#define PERCENT  5

/* So many blocks of the old file are hashed for each that could be copied: a small
 * package is fetched sooner than a large file is read. */
#define READ_SHARE 16

/* A request takes about the time in which a slow connection brings so many blocks. */
#define GAP_BLOCKS 8
#define PARTS_MAX  256

/* Head, manifest and signature, as a rule; and the tree, which is 1/127 of an image that
 * may have grown by some percent. */
#define FIRST_MIN   (UINT64_C(16) << 10)
#define FIRST_SHARE 112

#define PIECE_BLOCKS 16

_Static_assert(VERITY_HASHES_PER_BLOCK % PIECE_BLOCKS == 0, "a piece lies in one leaf");

struct block_reuse {
	int fd;
	uint64_t file_bytes;
	struct block_plan *plan; /* NULL: not yet */
	int64_t image_start;     /* of the new file, as the next; set with the plan */
	int64_t image_end;
	bool copies;
	struct verity_leaf leaf;
	uint8_t piece[PIECE_BLOCKS * VERITY_BLOCK];
};

struct block_reuse *block_reuse_open(int dirfd, const char *file)
{
	struct block_reuse *reuse = calloc(1, sizeof(*reuse));
	struct verity_error why;

	if (!reuse)
		return NULL;
	if (verity_preamble_open(dirfd, file, &reuse->fd, &reuse->file_bytes, &why) < 0) {
		free(reuse);
		return NULL;
	}
	if (reuse->file_bytes < FILE_MIN) {
		block_reuse_free(reuse);
		return NULL;
	}
	return reuse;
}

void block_reuse_free(struct block_reuse *reuse)
{
	if (!reuse)
		return;
	close(reuse->fd);
	block_plan_free(reuse->plan);
	free(reuse);
}

int64_t block_reuse_first_bytes(const struct block_reuse *reuse)
{
	uint64_t most = (uint64_t)BLOCK_PLAN_MAX * VERITY_BLOCK;
	uint64_t bytes = reuse->file_bytes < most ? reuse->file_bytes : most;
	uint64_t blocks = (FIRST_MIN + bytes / FIRST_SHARE) / VERITY_BLOCK;

	return (int64_t)(blocks * VERITY_BLOCK);
}

static int plan_wanted(struct block_reuse *reuse, struct verity_stream *stream,
		       uint32_t count, struct verity_error *err)
{
	int r = 0;

	for (uint32_t block = 0; r == 0 && block < count; block++) {
		uint32_t index = block % VERITY_HASHES_PER_BLOCK;

		if (index == 0)
			r = verity_stream_hashes(stream, block / VERITY_HASHES_PER_BLOCK,
						 &reuse->leaf, err);
		if (r == 0)
			block_plan_want(reuse->plan, block,
					reuse->leaf.hashes + index * VERITY_DIGEST_BYTES);
	}
	block_plan_sort(reuse->plan);
	return r;
}

/*
 * Under the salt of the new one. What cannot be read is fetched.
 *
 * @count_max: blocks to read
 */
static int plan_old(struct block_reuse *reuse, const struct verity_manifest *manifest,
		    uint64_t count_max, struct verity_error *err)
{
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	uint8_t digests[PIECE_BLOCKS][VERITY_DIGEST_BYTES];
	uint64_t count = reuse->file_bytes / VERITY_BLOCK;
	struct verity_error why;
	int r = verity_hasher_new(manifest->salt, manifest->salt_bytes, &hasher, err);

	if (count > count_max)
		count = count_max;
	verity_debug("comparing %" PRIu64 " blocks of the installed file", count);
	for (uint64_t first = 0; r == 0 && first < count; first += PIECE_BLOCKS) {
		size_t blocks = count - first < PIECE_BLOCKS ? (size_t)(count - first)
							     : PIECE_BLOCKS;

		r = signals_check(err);
		if (r < 0 ||
		    verity_io_read(reuse->fd, reuse->piece, blocks * VERITY_BLOCK,
				   first * VERITY_BLOCK, &why) < 0)
			continue;
		r = verity_hasher_blocks(hasher, reuse->piece, blocks, digests, err);
		for (size_t i = 0; r == 0 && i < blocks; i++)
			block_plan_have(reuse->plan, (uint32_t)(first + i), digests[i]);
	}
	return r;
}

/* @place: what is fetched from there on */
static int plan(struct block_reuse *reuse, struct verity_stream *stream, int64_t place,
		struct verity_error *err)
{
	const struct verity_layout *layout = verity_stream_layout(stream);
	uint64_t left = layout->file_bytes - (uint64_t)place;
	uint64_t read_max = left / VERITY_BLOCK * READ_SHARE;
	uint32_t count = layout->image_bytes / VERITY_BLOCK <= BLOCK_PLAN_MAX
				 ? (uint32_t)(layout->image_bytes / VERITY_BLOCK)
				 : 0;
	uint32_t missing;
	int r;

	if (read_max > BLOCK_PLAN_MAX)
		read_max = BLOCK_PLAN_MAX;
	if (left < FILE_MIN)
		count = 0;

	reuse->image_start = (int64_t)layout->image_start;
	reuse->image_end = (int64_t)layout->file_bytes;
	/* One that is too large, or almost there, is fetched as a whole. */
	r = block_plan_new(count ?: 1, &reuse->plan, err);
	if (r == 0 && count > 0)
		r = plan_wanted(reuse, stream, count, err);
	if (r == 0 && count > 0)
		r = plan_old(reuse, verity_stream_judgement(stream)->manifest, read_max,
			     err);
	if (r < 0 || count == 0)
		return r;
	block_plan_close(reuse->plan, GAP_BLOCKS, PARTS_MAX, PERCENT);
	missing = block_plan_missing(reuse->plan, 0);
	reuse->copies = missing < count;
	verity_debug("%u of %u blocks of the image are to be fetched", missing, count);
	return 0;
}

static uint32_t block_at(const struct block_reuse *reuse, int64_t place)
{
	return (uint32_t)((place - reuse->image_start) / VERITY_BLOCK);
}

/*
 * A file that has changed since it was hashed is of no use any more: all that is left is
 * fetched, as one part, so that there are never more of them than planned.
 */
static int copy(struct block_reuse *reuse, struct verity_stream *stream,
		const struct block_run *run, int64_t *place, struct verity_error *err)
{
	/* On a grid, so that they belong to one leaf. */
	uint32_t room = PIECE_BLOCKS - run->first % PIECE_BLOCKS;
	uint32_t blocks = run->end - run->first < room ? run->end - run->first : room;
	size_t bytes = (size_t)blocks * VERITY_BLOCK;
	struct verity_error why;
	bool taken = false;
	int r = signals_check(err);

	if (r == 0 && verity_io_read(reuse->fd, reuse->piece, bytes,
				     (uint64_t)run->place * VERITY_BLOCK, &why) == 0)
		r = verity_stream_offer(stream, reuse->piece, blocks, &taken, err);
	if (r < 0)
		return r;
	if (taken)
		*place += (int64_t)bytes;
	else
		block_plan_lose(reuse->plan, run->first,
				block_at(reuse, reuse->image_end));
	return 0;
}

/* All that comes before the image, which may be more than was fetched first. */
static bool want_tree(const struct verity_stream *stream, int64_t place, struct part *ret)
{
	const struct verity_layout *layout = verity_stream_layout(stream);

	*ret = (struct part){place,
			     layout ? (int64_t)layout->image_start : VERITY_PREAMBLE_MAX};
	return ret->end > place;
}

int block_reuse_next(struct block_reuse *reuse, struct verity_stream *stream,
		     int64_t *place, struct part *ret, struct verity_error *err)
{
	int r = 0;

	if (!reuse->plan && want_tree(stream, *place, ret))
		return 0;
	if (!reuse->plan)
		r = plan(reuse, stream, *place, err);
	*ret = (struct part){*place, reuse->image_end};
	while (r == 0 && reuse->copies && *place < reuse->image_end) {
		struct block_run run = block_plan_run(
			reuse->plan, block_at(reuse, *place), PIECE_BLOCKS);

		if (run.place == BLOCK_NOWHERE) {
			*ret = (struct part){*place,
					     reuse->image_start +
						     (int64_t)run.end * VERITY_BLOCK};
			return 0;
		}
		r = copy(reuse, stream, &run, place, err);
		*ret = (struct part){*place, reuse->image_end};
	}
	return r;
}

int64_t block_reuse_missing(const struct block_reuse *reuse, int64_t place)
{
	if (!reuse->plan)
		return -1;
	if (!reuse->copies || place >= reuse->image_end)
		return reuse->image_end - place;
	return (int64_t)block_plan_missing(reuse->plan, block_at(reuse, place)) *
	       VERITY_BLOCK;
}
