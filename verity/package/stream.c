/* SPDX-License-Identifier: MIT */

/* Judging the bytes of a package in the order in which they arrive. */

#include "verity/package/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/package/judge_preamble.h"
#include "verity/package/preamble.h"
#include "verity/util/io.h"

#define PIECE_BYTES ((uint64_t)64 * 1024) /* judged and written at a time */

/* The parts of a package, in the order in which they arrive. */
enum part {
	PART_HEAD,     /* the first bytes, which give the length of the preamble */
	PART_PREAMBLE, /* with the head; judged as a whole */
	PART_UPPER,    /* tree levels above level 0; checked when all are there */
	PART_HASHES,   /* tree level 0 */
	PART_IMAGE,
	PART_END,
};

struct verity_stream {
	int fd;
	const struct verity_policy *policy;
	struct verity_stream_hooks hooks;

	enum part part;
	uint64_t offset; /* in the file: all before it is judged and written */
	size_t held;     /* bytes in @buffer, not yet judged */
	const uint8_t
		*piece; /* @buffer; or what the caller gave, if that is a whole piece */
	int failure;
	struct verity_error failure_reason;

	struct verity_head head;
	struct verity_layout layout;
	struct verity_blocks blocks; /* of the file */
	struct verity_geometry geometry;
	struct verity_judgement *judgement;
	struct verity_upper *upper;
	struct verity_hasher *hasher;
	struct verity_leaf leaf;
	bool has_leaf;
	struct verity_verified verified;
	uint8_t buffer[VERITY_PREAMBLE_MAX];
};

_Static_assert(PIECE_BYTES <= VERITY_PREAMBLE_MAX, "a piece fits the buffer");
_Static_assert(VERITY_LEAF_BYTES % PIECE_BYTES == 0, "a piece lies within one leaf");

int verity_stream_new(int fd, const struct verity_policy *policy,
		      const struct verity_stream_hooks *hooks, struct verity_stream **ret,
		      struct verity_error *err)
{
	struct verity_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return verity_no_memory(err);
	stream->fd = fd;
	stream->piece = stream->buffer;
	stream->verified.fd = -1;
	stream->policy = policy;
	if (hooks)
		stream->hooks = *hooks;
	*ret = stream;
	return 0;
}

void verity_stream_free(struct verity_stream *stream)
{
	if (!stream)
		return;
	verity_judgement_free(stream->judgement);
	verity_upper_free(stream->upper);
	verity_hasher_free(stream->hasher);
	free(stream);
}

const struct verity_judgement *verity_stream_judgement(const struct verity_stream *stream)
{
	return stream->judgement;
}

/* The offset in the file where the current part ends. */
static uint64_t part_end(const struct verity_stream *stream)
{
	const struct verity_layout *layout = &stream->layout;

	switch (stream->part) {
	case PART_HEAD:
		return VERITY_HEAD_BYTES;
	case PART_PREAMBLE:
		return verity_preamble_bytes(&stream->head);
	case PART_UPPER:
		return layout->tree_start +
		       (stream->geometry.levels ? stream->geometry.level_start[0] : 0) *
			       VERITY_BLOCK;
	case PART_HASHES:
		return layout->image_start;
	case PART_IMAGE:
	case PART_END:
		break;
	}
	return layout->file_bytes;
}

static int write_held(struct verity_stream *stream, struct verity_error *err)
{
	int r = verity_io_write(stream->fd, stream->piece, stream->held, stream->offset,
				err);

	if (r < 0)
		return r;
	stream->offset += stream->held;
	stream->held = 0;
	return 0;
}

static int take_preamble(struct verity_stream *stream, struct verity_error *err)
{
	const struct verity_judgement *judgement;
	int r = verity_judge_preamble(stream->buffer, &stream->head, stream->policy,
				      &stream->judgement, &stream->layout, err);

	if (r < 0)
		return r;
	judgement = stream->judgement;
	if (!judgement->accepted) {
		*err = judgement->reason;
		return judgement->verdict == VERITY_INVALID ? -EBADMSG : -EKEYREJECTED;
	}
	if (stream->hooks.head)
		r = stream->hooks.head(stream->hooks.context, judgement,
				       stream->layout.file_bytes, err);
	if (r < 0)
		return r;
	stream->blocks = (struct verity_blocks){stream->fd, stream->layout.tree_start,
						stream->layout.image_start};
	stream->geometry =
		verity_geometry_compute(stream->layout.image_bytes / VERITY_BLOCK);
	return write_held(stream, err);
}

/* Each block of level 0 is compared with the level above as soon as it is there. */
static int take_hashes(struct verity_stream *stream, struct verity_error *err)
{
	uint64_t start = stream->layout.tree_start +
			 stream->geometry.level_start[0] * VERITY_BLOCK;
	uint64_t first = (stream->offset - start) / VERITY_BLOCK;
	uint64_t count = stream->held / VERITY_BLOCK;
	int r = write_held(stream, err);

	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = verity_leaf_load(stream->upper, &stream->blocks, stream->hasher,
				     first + i, 1, &stream->leaf, err);
	return r;
}

/* The block of the image that comes next, of those that are judged. */
static uint64_t next_block(const struct verity_stream *stream)
{
	return (stream->offset - stream->layout.image_start) / VERITY_BLOCK;
}

static int load_leaf(struct verity_stream *stream, struct verity_error *err)
{
	uint64_t number = next_block(stream) / VERITY_HASHES_PER_BLOCK;
	int r = 0;

	if (!stream->has_leaf || stream->leaf.number != number)
		r = verity_leaf_load(stream->upper, &stream->blocks, stream->hasher,
				     number, 1, &stream->leaf, err);
	stream->has_leaf = r == 0;
	return r;
}

/* A piece never crosses the end of a leaf: both are on the same grid. */
static int take_image(struct verity_stream *stream, struct verity_error *err)
{
	int r = load_leaf(stream, err);

	if (r == 0)
		r = verity_leaf_check_blocks(&stream->leaf, stream->hasher,
					     next_block(stream), stream->piece,
					     stream->held / VERITY_BLOCK, err);
	return r < 0 ? r : write_held(stream, err);
}

/* Goes on to the next part that has bytes. */
static int end_part(struct verity_stream *stream, struct verity_error *err)
{
	struct verity_root root;
	int r = 0;

	while (r == 0 && stream->part != PART_END && stream->offset == part_end(stream)) {
		/* The upper levels are in the file: now leaves can be checked. */
		if (stream->part == PART_UPPER) {
			root = verity_judgement_root(stream->judgement);
			r = verity_hasher_new(root.salt, root.salt_bytes, &stream->hasher,
					      err);
			if (r == 0)
				r = verity_upper_load(&stream->blocks, &stream->geometry,
						      &root, &stream->upper, err);
		}
		stream->has_leaf = false;
		stream->part++;
	}
	return r;
}

/* Judges what is held, and goes on. */
static int take(struct verity_stream *stream, struct verity_error *err)
{
	int r = 0;

	switch (stream->part) {
	case PART_HEAD:
		/* It stays in the buffer: the preamble is judged and written as one. */
		r = verity_head_decode(stream->buffer, &stream->head, err);
		if (r == 0)
			stream->part = PART_PREAMBLE;
		return r;
	case PART_PREAMBLE:
		r = take_preamble(stream, err);
		break;
	case PART_UPPER:
		r = write_held(stream, err);
		break;
	case PART_HASHES:
		r = take_hashes(stream, err);
		break;
	case PART_IMAGE:
		r = take_image(stream, err);
		break;
	case PART_END:
		break;
	}
	return r < 0 ? r : end_part(stream, err);
}

/*
 * As much as must be there before it can be judged. Pieces of the image end on a grid,
 * wherever they begin.
 */
static uint64_t wanted_bytes(const struct verity_stream *stream)
{
	uint64_t bytes = part_end(stream) - stream->offset; /* may not fit a size_t */
	uint64_t most = PIECE_BYTES;

	if (stream->part == PART_IMAGE)
		most -= (stream->offset - stream->layout.image_start) % PIECE_BYTES;
	return stream->part > PART_PREAMBLE && bytes > most ? most : bytes;
}

static int feed(struct verity_stream *stream, const uint8_t *bytes, size_t count,
		struct verity_error *err)
{
	while (count) {
		uint64_t wanted;
		size_t missing;
		int r = 0;

		if (stream->part == PART_END)
			return verity_fail(err, VERITY_E_BAD_LENGTH,
					   "the file is longer than the %" PRIu64
					   " bytes that its manifest says",
					   stream->layout.file_bytes);
		wanted = wanted_bytes(stream);
		missing = (size_t)wanted - stream->held;
		if (missing > count)
			missing = count;
		/* A whole piece needs no copy. */
		if (stream->part == PART_IMAGE && missing == wanted)
			stream->piece = bytes;
		else
			memcpy(stream->buffer + stream->held, bytes, missing);
		stream->held += missing;
		bytes += missing;
		count -= missing;
		if (stream->held == wanted)
			r = take(stream, err);
		stream->piece = stream->buffer;
		if (r < 0)
			return r;
	}
	return 0;
}

/* What is refused is Invalid where its bytes are; I/O and the hook say nothing of it. */
static int fail(struct verity_stream *stream, int failure, struct verity_error *err)
{
	stream->failure = failure;
	if (failure == -EBADMSG && stream->judgement)
		verity_judgement_condemn(stream->judgement, &stream->failure_reason);
	else if (failure == -EBADMSG)
		(void)!verity_judgement_new_invalid(&stream->failure_reason,
						    &stream->judgement, NULL);
	if (err)
		*err = stream->failure_reason;
	return failure;
}

int verity_stream_feed(struct verity_stream *stream, const void *bytes, size_t count,
		       struct verity_error *err)
{
	int r = stream->failure;

	if (r == 0)
		r = feed(stream, bytes, count, &stream->failure_reason);
	return r < 0 ? fail(stream, r, err) : 0;
}

/* @ret_taken: see verity_stream_offer() */
static int offer(struct verity_stream *stream, const uint8_t *blocks, size_t count,
		 bool *ret_taken, struct verity_error *err)
{
	uint64_t first, rest;
	int r = 0;

	if (stream->part == PART_IMAGE && stream->held % VERITY_BLOCK == 0) {
		if (stream->held > 0)
			r = take(stream, err);
		if (r == 0 && stream->part == PART_IMAGE)
			r = load_leaf(stream, err);
	}
	if (r < 0)
		return r;
	first = next_block(stream);
	rest = (stream->layout.file_bytes - stream->offset) / VERITY_BLOCK;
	if (stream->part != PART_IMAGE || stream->held > 0 || count > rest ||
	    count > VERITY_HASHES_PER_BLOCK - first % VERITY_HASHES_PER_BLOCK)
		return verity_fail(err, VERITY_E_USAGE, "no place for these blocks");
	*ret_taken = verity_leaf_check_blocks(&stream->leaf, stream->hasher, first,
					      blocks, count, NULL) == 0;
	if (!*ret_taken)
		return 0;
	stream->piece = blocks;
	stream->held = count * VERITY_BLOCK;
	r = write_held(stream, err);
	stream->piece = stream->buffer;
	return r < 0 ? r : end_part(stream, err);
}

int verity_stream_offer(struct verity_stream *stream, const void *blocks, size_t count,
			bool *ret_taken, struct verity_error *err)
{
	bool taken = false;
	int r = stream->failure;

	if (r == 0)
		r = offer(stream, blocks, count, &taken, &stream->failure_reason);
	if (r < 0)
		return fail(stream, r, err);
	*ret_taken = taken;
	return 0;
}

bool verity_stream_is_whole(const struct verity_stream *stream)
{
	return stream->failure == 0 && stream->part == PART_END;
}

const struct verity_layout *verity_stream_layout(const struct verity_stream *stream)
{
	return stream->part > PART_PREAMBLE ? &stream->layout : NULL;
}

int verity_stream_hashes(struct verity_stream *stream, uint64_t leaf,
			 struct verity_leaf *ret, struct verity_error *err)
{
	if (stream->part < PART_IMAGE)
		return verity_fail(err, VERITY_E_USAGE, "the hash tree is not there");
	return verity_leaf_load(stream->upper, &stream->blocks, stream->hasher, leaf, 1,
				ret, err);
}

int verity_stream_end(struct verity_stream *stream, struct verity_error *err)
{
	int r = stream->failure;

	if (r == 0 && stream->part == PART_HEAD && stream->held == 0)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file is empty");
	else if (r == 0 && stream->part != PART_END && !stream->judgement)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file ends inside its header, at byte %zu",
				stream->held);
	else if (r == 0 && stream->part != PART_END)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file ends at byte %" PRIu64 " of %" PRIu64,
				stream->offset + stream->held, stream->layout.file_bytes);
	if (r < 0)
		return fail(stream, r, err);
	if (stream->judgement->accepted)
		stream->verified = (struct verity_verified){stream->fd, &stream->layout,
							    stream->judgement};
	return 0;
}

const struct verity_verified *verity_stream_verified(const struct verity_stream *stream)
{
	return stream->verified.fd >= 0 && stream->failure == 0 ? &stream->verified
								: NULL;
}
