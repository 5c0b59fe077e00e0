/* SPDX-License-Identifier: MIT */
/* Reads the old package, and feeds its blocks where the new one has the same. */
#include "installer/receive/block_reuse.h"

#include <stdlib.h>

#include "installer/common/signals.h"
#include "installer/receive/block_plan.h"
#include "verity/package/preamble.h"
#include "verity/util/debug.h"
#include "verity/util/io.h"

/* Where less can be saved, one transfer is as good. */
#define FILE_MIN (UINT64_C(256) << 10)
#define PERCENT  5

/* A request takes about the time in which a slow connection brings so many blocks. */
#define GAP_BLOCKS 8
#define PARTS_MAX  256

/* Head, manifest and signature, as a rule; and the tree, which is 1/127 of an image that
 * may have grown by some percent. */
#define FIRST_MIN   (UINT64_C(16) << 10)
#define FIRST_SHARE 112

#define PIECE_BLOCKS 16

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
	uint64_t blocks = (FIRST_MIN + reuse->file_bytes / FIRST_SHARE) / VERITY_BLOCK;

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

/* Under the salt of the new one. What cannot be read is fetched. */
static int plan_old(struct block_reuse *reuse, const struct verity_manifest *manifest,
		    struct verity_error *err)
{
	cleanup_with(verity_hasher_free_p) struct verity_hasher *hasher = NULL;
	uint8_t digests[PIECE_BLOCKS][VERITY_DIGEST_BYTES];
	uint64_t count = reuse->file_bytes / VERITY_BLOCK;
	struct verity_error why;
	int r = verity_hasher_new(manifest->salt, manifest->salt_bytes, &hasher, err);

	if (count > BLOCK_PLAN_MAX)
		count = BLOCK_PLAN_MAX;
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

static int plan(struct block_reuse *reuse, struct verity_stream *stream,
		struct verity_error *err)
{
	const struct verity_layout *layout = verity_stream_layout(stream);
	uint32_t count = layout->image_bytes / VERITY_BLOCK <= BLOCK_PLAN_MAX
				 ? (uint32_t)(layout->image_bytes / VERITY_BLOCK)
				 : 0;
	uint32_t missing;
	int r;

	reuse->image_start = (int64_t)layout->image_start;
	reuse->image_end = (int64_t)layout->file_bytes;
	/* One that is too large is fetched as a whole. */
	r = block_plan_new(count ?: 1, &reuse->plan, err);
	if (r == 0 && count > 0)
		r = plan_wanted(reuse, stream, count, err);
	if (r == 0 && count > 0)
		r = plan_old(reuse, verity_stream_judgement(stream)->manifest, err);
	if (r < 0 || count == 0)
		return r;
	block_plan_close(reuse->plan, GAP_BLOCKS, PARTS_MAX, PERCENT);
	missing = block_plan_missing(reuse->plan, 0);
	reuse->copies = missing < count;
	verity_debug("%u of %u blocks of the image are to be fetched", missing, count);
	return 0;
}

/* A run that cannot be read any more is fetched. */
static int copy(struct block_reuse *reuse, struct verity_stream *stream,
		const struct block_run *run, int64_t *place, struct verity_error *err)
{
	uint32_t blocks = run->end - run->first < PIECE_BLOCKS ? run->end - run->first
							       : PIECE_BLOCKS;
	size_t bytes = (size_t)blocks * VERITY_BLOCK;
	struct verity_error why;
	int r = signals_check(err);

	if (r < 0)
		return r;
	if (verity_io_read(reuse->fd, reuse->piece, bytes,
			   (uint64_t)run->place * VERITY_BLOCK, &why) < 0) {
		block_plan_lose(reuse->plan, run->first, run->end);
		return 0;
	}
	r = verity_stream_feed(stream, reuse->piece, bytes, err);
	if (r == 0)
		*place += (int64_t)bytes;
	return r;
}

static uint32_t block_at(const struct block_reuse *reuse, int64_t place)
{
	return (uint32_t)((place - reuse->image_start) / VERITY_BLOCK);
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
		r = plan(reuse, stream, err);
	*ret = (struct part){*place, reuse->image_end};
	while (r == 0 && reuse->copies && *place < reuse->image_end) {
		struct block_run run =
			block_plan_run(reuse->plan, block_at(reuse, *place));

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
