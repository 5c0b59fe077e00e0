/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a package file says of itself, without reading its image: to show what a file is,
 * and what the judge would say if the image matched. It proves nothing, and is a type of
 * its own so that it cannot be used as a verified package, which
 * verity/package/package.h and verity/package/stream.h make.
 */

#include "verity/package/judge.h"
#include "verity/util/cleanup.h"

struct verity_inspection;

/**
 * verity_inspection_open - read the preamble of a package file, at most 132 KiB
 * @dirfd, @name: as for verity_package_open()
 * @ret: set on success only; free with verity_inspection_free()
 *
 * Return: 0; -EBADMSG where head or manifest cannot be read; -EINVAL (NOT_A_FILE);
 * -errno.
 */
int verity_inspection_open(int dirfd, const char *name, struct verity_inspection **ret,
			   struct verity_error *err) must_check;

void verity_inspection_free(struct verity_inspection *inspection);

DEFINE_CLEANUP(struct verity_inspection, verity_inspection_free);

/**
 * verity_inspection_manifest - the manifest, of which nothing is verified; borrowed
 */
const struct verity_manifest *verity_inspection_manifest(
	const struct verity_inspection *inspection);

/* What the judge would say; plain data. */
struct verity_outlook {
	enum verity_verdict verdict;
	bool accepted;
	struct verity_error reason;      /* code VERITY_OK where it is plainly Signed */
	uint8_t id[VERITY_DIGEST_BYTES]; /* the package's */
	uint64_t file_bytes; /* that its head says; 0 where it is Invalid before that */
};

/**
 * verity_inspection_outlook - what the judge says of the preamble under @policy, as if
 * the image matched
 *
 * Return: 0; -ENOMEM.
 */
int verity_inspection_outlook(const struct verity_inspection *inspection,
			      const struct verity_policy *policy,
			      struct verity_outlook *ret,
			      struct verity_error *err) must_check;
