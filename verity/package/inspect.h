/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package file says of itself, without reading its image: for telling people what
 * lies there, and what the judge would say if all else were right. It proves nothing, and
 * is a type of its own so that nothing can take it for a package that was verified:
 * verity/package/package.h and verity/package/stream.h are for that.
 */

#include "verity/package/judge.h"
#include "verity/util/cleanup.h"

struct verity_peek;

/**
 * verity_peek_open - read the front of a package file, at most 132 KiB
 * @dirfd, @name: as for verity_package_open()
 * @ret: set on success only; free with verity_peek_free()
 *
 * Return: 0; -EBADMSG where head or manifest cannot be read; -EINVAL (NOT_A_FILE);
 * -errno.
 */
int verity_peek_open(int dirfd, const char *name, struct verity_peek **ret,
		     struct verity_error *err) must_check;

void verity_peek_free(struct verity_peek *peek);

DEFINE_CLEANUP(struct verity_peek, verity_peek_free);

/**
 * verity_peek_claims - the manifest, which nobody vouches for; borrowed
 */
const struct verity_manifest *verity_peek_claims(const struct verity_peek *peek);

/* What the judge would say; plain data. */
struct verity_outlook {
	enum verity_verdict verdict;
	bool accepted;
	struct verity_error reason; /* code VERITY_OK where it is plainly Signed */
};

/**
 * verity_peek_outlook - what the judge says of the front under @policy, the image being
 * taken for right
 *
 * Return: 0; -ENOMEM.
 */
int verity_peek_outlook(const struct verity_peek *peek,
			const struct verity_policy *policy, struct verity_outlook *ret,
			struct verity_error *err) must_check;
