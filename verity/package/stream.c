/* SPDX-License-Identifier: MIT */
#include "verity/package/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/hashtree/tree.h"
#include "verity/package/judge_private.h"
#include "verity/util/cleanup.h"
#include "verity/util/io.h"

#define PIECE_BYTES (64 * 1024) /* judged and written at a time; whole blocks */

/* The parts of a package, in the order in which they arrive. */
enum part {
	PART_HEAD,   /* the 16 bytes that tell how long the front is */
	PART_FRONT,  /* manifest, signature, padding; taken whole */
	PART_UPPER,  /* tree levels above level 0; checked when all are there */
	PART_HASHES, /* tree level 0 */
	PART_IMAGE,
	PART_END,
};

struct verity_stream {
	int fd;
	const struct verity_policy *policy;
	struct verity_stream_hooks hooks;

	enum part part;
	uint64_t part_left; /* bytes of this part not yet judged */
	uint64_t place;     /* in the file: all before it is judged and written */
	size_t held;        /* bytes in @buffer, not yet judged */
	int failure;
	struct verity_error failure_reason;

	struct verity_head head;
	struct verity_layout layout;
	struct verity_geometry geometry;
	struct verity_judgement *judgement;
	struct verity_upper *upper;
	struct verity_hasher *hasher;
	struct verity_leaf leaf;
	bool has_leaf;
	struct verity_verified verified;
	uint8_t buffer[VERITY_FRONT_MAX];
};

_Static_assert(PIECE_BYTES <= VERITY_FRONT_MAX, "a piece fits the buffer");
_Static_assert(VERITY_LEAF_BYTES % PIECE_BYTES == 0, "a piece lies within one leaf");

int verity_stream_new(int fd, const struct verity_policy *policy,
		      const struct verity_stream_hooks *hooks, struct verity_stream **ret,
		      struct verity_error *err)
{
	struct verity_stream *stream = calloc(1, sizeof(*stream));

	if (!stream)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	stream->fd = fd;
	stream->verified.fd = -1;
	stream->policy = policy;
	if (hooks)
		stream->hooks = *hooks;
	stream->part = PART_HEAD;
	stream->part_left = VERITY_HEAD_BYTES;
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

static struct verity_blocks blocks_of(const struct verity_stream *stream)
{
	return (struct verity_blocks){stream->fd, stream->layout.tree_start,
				      stream->layout.image_start};
}

static int write_held(struct verity_stream *stream, struct verity_error *err)
{
	int r = verity_io_write(stream->fd, stream->buffer, stream->held, stream->place,
				err);

	if (r < 0)
		return r;
	stream->place += stream->held;
	stream->part_left -= stream->held;
	stream->held = 0;
	return 0;
}

/* Stays in the buffer: the front is judged and written as one. */
static int take_head(struct verity_stream *stream, struct verity_error *err)
{
	int r = verity_head_decode(stream->buffer, &stream->head, err);

	if (r < 0)
		return r;
	stream->part = PART_FRONT;
	stream->part_left = verity_front_bytes(&stream->head);
	return 0;
}

static int take_front(struct verity_stream *stream, struct verity_error *err)
{
	int r = verity_judge_front(stream->buffer, &stream->head, stream->policy,
				   &stream->judgement, &stream->layout, err);

	if (r < 0)
		return r;
	if (!verity_judgement_accepted(stream->judgement)) {
		*err = *verity_judgement_reason(stream->judgement);
		return verity_judgement_verdict(stream->judgement) == VERITY_INVALID
			       ? -EBADMSG
			       : -EKEYREJECTED;
	}
	if (stream->hooks.head) {
		r = stream->hooks.head(stream->hooks.context, stream->judgement,
				       stream->layout.file_bytes, err);
		if (r < 0)
			return r;
	}
	stream->geometry =
		verity_geometry_compute(stream->layout.image_bytes / VERITY_BLOCK);
	return write_held(stream, err);
}

static int take_upper(struct verity_stream *stream, struct verity_error *err)
{
	const struct verity_blocks blocks = blocks_of(stream);
	const struct verity_root root = verity_judgement_root(stream->judgement);
	int r = write_held(stream, err);

	if (r < 0 || stream->part_left)
		return r;
	r = verity_hasher_new(root.salt, root.salt_bytes, &stream->hasher, err);
	if (r == 0)
		r = verity_upper_load(&blocks, &stream->geometry, &root, &stream->upper,
				      err);
	return r;
}

/* Each block of level 0 is held to the level above as soon as it is there. */
static int take_hashes(struct verity_stream *stream, struct verity_error *err)
{
	const struct verity_blocks blocks = blocks_of(stream);
	uint64_t start = stream->layout.tree_start +
			 stream->geometry.level_start[0] * VERITY_BLOCK;
	uint64_t first = (stream->place - start) / VERITY_BLOCK;
	uint64_t count = stream->held / VERITY_BLOCK;
	int r = write_held(stream, err);

	for (uint64_t i = 0; r == 0 && i < count; i++)
		r = verity_leaf_load(stream->upper, &blocks, stream->hasher, first + i, 1,
				     &stream->leaf, err);
	return r;
}

static int take_image(struct verity_stream *stream, struct verity_error *err)
{
	const struct verity_blocks blocks = blocks_of(stream);
	uint64_t first = (stream->place - stream->layout.image_start) / VERITY_BLOCK;
	size_t count = stream->held / VERITY_BLOCK;
	uint64_t number = first / VERITY_HASHES_PER_BLOCK;
	int r = 0;

	/* A piece never reaches over a leaf's end: both start and end on the same grid.
	 */
	if (!stream->has_leaf || stream->leaf.number != number)
		r = verity_leaf_load(stream->upper, &blocks, stream->hasher, number, 1,
				     &stream->leaf, err);
	if (r == 0)
		r = verity_leaf_check_blocks(&stream->leaf, stream->hasher, first,
					     stream->buffer, count, err);
	if (r < 0)
		return r;
	stream->has_leaf = true;
	return write_held(stream, err);
}

static const struct {
	int (*take)(struct verity_stream *stream, struct verity_error *err);
} parts[] = {
	[PART_HEAD] = {take_head},   [PART_FRONT] = {take_front},
	[PART_UPPER] = {take_upper}, [PART_HASHES] = {take_hashes},
	[PART_IMAGE] = {take_image},
};

/* On to the next part that has bytes, or whose taking sets something up. */
static void next_part(struct verity_stream *stream)
{
	const struct verity_geometry *geometry = &stream->geometry;
	uint64_t hashes = geometry->levels ? geometry->level_blocks[0] * VERITY_BLOCK : 0;

	stream->has_leaf = false;
	switch (stream->part) {
	case PART_FRONT:
		stream->part = PART_UPPER;
		stream->part_left = stream->layout.tree_bytes - hashes;
		break;
	case PART_UPPER:
		stream->part = PART_HASHES;
		stream->part_left = hashes;
		break;
	case PART_HASHES:
		stream->part = PART_IMAGE;
		stream->part_left = stream->layout.image_bytes;
		break;
	case PART_HEAD:
	case PART_IMAGE:
	case PART_END:
		stream->part = PART_END;
		break;
	}
}

/* How many bytes the buffer must hold before they can be judged. */
static size_t wanted(const struct verity_stream *stream)
{
	if (stream->part == PART_HEAD || stream->part == PART_FRONT ||
	    stream->part_left < PIECE_BYTES)
		return (size_t)stream->part_left;
	return PIECE_BYTES;
}

static int take(struct verity_stream *stream, struct verity_error *err)
{
	enum part part = stream->part;
	int r = parts[part].take(stream, err);

	if (r < 0)
		return r;
	while (stream->part != PART_HEAD && stream->part != PART_END &&
	       stream->part_left == 0) {
		next_part(stream);
		/* A tree of one level has no upper part, but it is set up all the same.
		 */
		if (stream->part == PART_UPPER && stream->part_left == 0) {
			r = take_upper(stream, err);
			if (r < 0)
				return r;
		}
	}
	return 0;
}

static int feed(struct verity_stream *stream, const uint8_t *bytes, size_t count,
		struct verity_error *err)
{
	while (count) {
		size_t room;
		int r = 0;

		if (stream->part == PART_END)
			return verity_fail(err, VERITY_E_BAD_LENGTH,
					   "the file is longer than the %" PRIu64
					   " bytes that its manifest makes it",
					   stream->layout.file_bytes);
		room = wanted(stream) - stream->held;
		if (room > count)
			room = count;
		memcpy(stream->buffer + stream->held, bytes, room);
		stream->held += room;
		bytes += room;
		count -= room;
		if (stream->held == wanted(stream))
			r = take(stream, err);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A refused package is Invalid where its bytes are; I/O and the hook say nothing of it.
 */
static int fail(struct verity_stream *stream, int failure, struct verity_error *err)
{
	stream->failure = failure;
	if (failure == -EBADMSG && stream->judgement)
		verity_judgement_condemn(stream->judgement, &stream->failure_reason);
	if (failure == -EBADMSG && !stream->judgement &&
	    verity_judgement_new_invalid(&stream->failure_reason, &stream->judgement,
					 NULL) < 0)
		stream->judgement = NULL;
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

int verity_stream_end(struct verity_stream *stream, struct verity_error *err)
{
	int r = stream->failure;

	if (r == 0 && stream->part == PART_HEAD && stream->held == 0)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file is empty");
	else if (r == 0 && stream->part != PART_END && !stream->judgement)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file ends within its head, at byte %zu",
				stream->held);
	else if (r == 0 && stream->part != PART_END)
		r = verity_fail(&stream->failure_reason, VERITY_E_BAD_LENGTH,
				"the file ends at byte %" PRIu64 " of %" PRIu64,
				stream->place + stream->held, stream->layout.file_bytes);
	if (r < 0)
		return fail(stream, r, err);
	if (verity_judgement_accepted(stream->judgement))
		stream->verified = (struct verity_verified){stream->fd, &stream->layout,
							    stream->judgement};
	return 0;
}

const struct verity_verified *verity_stream_verified(const struct verity_stream *stream)
{
	return stream->verified.fd >= 0 && stream->failure == 0 ? &stream->verified
								: NULL;
}
