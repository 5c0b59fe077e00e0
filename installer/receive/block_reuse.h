/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A package that arrives while an older version of it is installed: blocks that the old
 * file has are copied from it, and only the others are fetched. The old file is read as
 * blocks of 4096 bytes, whatever is in it. Whether it is damaged, or no package at all,
 * does not matter: each block is judged like one that was fetched.
 */

#include "installer/request/job.h"
#include "verity/package/stream.h"
#include "verity/util/cleanup.h"

struct block_reuse;

/**
 * block_reuse_open - prepare to use a file
 * @dirfd, @file: the old package; opened once
 *
 * Return: block_reuse_free(); NULL where it is of no use.
 */
struct block_reuse *block_reuse_open(int dirfd, const char *file);

void block_reuse_free(struct block_reuse *reuse);
DEFINE_CLEANUP(struct block_reuse, block_reuse_free);

/**
 * block_reuse_first_bytes - how many bytes of the new file to fetch first: about all that
 * comes before its image
 */
int64_t block_reuse_first_bytes(const struct block_reuse *reuse);

/**
 * block_reuse_next - copy what the old file has next, and say what is to be fetched then
 * @stream: what arrives; borrowed; after the tree each call is with the same one
 * @place:  the byte that it takes next; moved on by what was copied
 * @ret:    the part of the file; empty: none is missing
 *
 * The first call after the tree reads and hashes the old file: at most 2 GiB, and at most
 * 16 times what is left of the new one. A block that was there and is not any more is
 * fetched.
 *
 * Return: 0; -EINTR after a signal; as verity_stream_offer().
 */
int block_reuse_next(struct block_reuse *reuse, struct verity_stream *stream,
		     int64_t *place, struct part *ret,
		     struct verity_error *err) must_check;

/**
 * block_reuse_missing - bytes from @place on that are fetched
 * @place: as block_reuse_next() left it
 *
 * Return: -1 before the tree is there.
 */
int64_t block_reuse_missing(const struct block_reuse *reuse, int64_t place);
