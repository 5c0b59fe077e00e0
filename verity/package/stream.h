/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Judging a package while it arrives: everything needed to judge a byte comes before it,
 * so a bad head or a bad block ends the transfer where it stands. Memory is flat: about
 * 0.5 MiB, plus 1/16384 of the image.
 */

#include "verity/hashtree/tree.h"
#include "verity/package/package.h"
#include "verity/util/cleanup.h"

struct verity_stream;

/* Callbacks to the owner of a stream. */
struct verity_stream_hooks {
	/*
	 * The head has been judged and accepted; nothing of tree or image has been taken
	 * yet.
	 * @file_bytes is the exact length of the whole file. A negative return refuses it
	 * and comes back from verity_stream_feed() with what was put into @err.
	 */
	int (*head)(void *context, const struct verity_judgement *judgement,
		    uint64_t file_bytes, struct verity_error *err);
	void *context; /* borrowed */
};

/**
 * verity_stream_new - begin to judge bytes that are written to @fd
 * @fd:     empty regular file, open for reading and writing; borrowed
 * @policy: who is trusted; borrowed, must outlive the stream
 * @hooks:  copied; may be NULL
 * @ret:    set on success only; free with verity_stream_free()
 */
int verity_stream_new(int fd, const struct verity_policy *policy,
		      const struct verity_stream_hooks *hooks, struct verity_stream **ret,
		      struct verity_error *err) must_check;

void verity_stream_free(struct verity_stream *stream);

DEFINE_CLEANUP(struct verity_stream, verity_stream_free);

/**
 * verity_stream_feed - judge the next @count bytes and write them to the file
 *
 * Return: 0; -EBADMSG or -EKEYREJECTED where the package is refused; what the hook
 * returned; -errno for I/O. After a failure the stream takes nothing more.
 */
int verity_stream_feed(struct verity_stream *stream, const void *bytes, size_t count,
		       struct verity_error *err) must_check;

/**
 * verity_stream_offer - blocks of the image from elsewhere, if they are what comes next
 * @blocks:    @count times VERITY_BLOCK bytes, all of one leaf, which hold what the next
 *             blocks should be
 * @ret_taken: set on success only; false: they are others, and nothing has changed
 *
 * What is offered says nothing about the package: it is only judged by what is fed. What
 * was fed before has to end with a block of the image.
 *
 * Return: 0; -EINVAL (USAGE) if it does not, or these are too many; else as
 * verity_stream_feed(), for what was fed before.
 */
int verity_stream_offer(struct verity_stream *stream, const void *blocks, size_t count,
			bool *ret_taken, struct verity_error *err) must_check;

/**
 * verity_stream_end - no more bytes come: the whole file was fed, to its exact length
 *
 * Return: 0 where everything is judged and written (not synced); -EBADMSG where bytes
 * are missing.
 */
int verity_stream_end(struct verity_stream *stream, struct verity_error *err) must_check;

/**
 * verity_stream_is_whole - whether verity_stream_end() would find no byte missing
 */
bool verity_stream_is_whole(const struct verity_stream *stream);

/**
 * verity_stream_judgement - what the judge says so far
 *
 * Return: borrowed; NULL until the head has arrived. Also set after a refusal.
 */
const struct verity_judgement *verity_stream_judgement(
	const struct verity_stream *stream);

/**
 * verity_stream_layout - where the parts of the package lie
 *
 * Return: borrowed; NULL until the head has been accepted.
 */
const struct verity_layout *verity_stream_layout(const struct verity_stream *stream);

/**
 * verity_stream_hashes - what the next blocks of the image must be
 * @leaf: number of a leaf, see verity/hashtree/tree.h; the whole tree has been fed
 * @ret:  set on success only
 *
 * So that who feeds can take a block from elsewhere. It is judged like all others.
 *
 * Return: 0; -EINVAL (USAGE) where the tree has not been fed; as verity_leaf_load().
 */
int verity_stream_hashes(struct verity_stream *stream, uint64_t leaf,
			 struct verity_leaf *ret, struct verity_error *err) must_check;

/**
 * verity_stream_verified - the proof that what was written may be used
 *
 * It holds for the stream's own descriptor, as long as nothing else writes to that file.
 *
 * Return: borrowed, lives as long as @stream; NULL before verity_stream_end(), and where
 * that failed.
 */
const struct verity_verified *verity_stream_verified(const struct verity_stream *stream);
