/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What the packages that completed a boot prove, kept as their preambles:
 *
 *	PERSIST/wmopkg/floors/NAME  of the one with the highest epoch of this name
 *	PERSIST/wmopkg/time         of the one that was signed last
 *
 * PERSIST is believed only as far as a signature of the key ring goes. So whoever writes
 * there can make up no epoch and no time, and a deny list that names the package or its
 * key takes back what it proved.
 */

#include "verity/package/judge.h"

#define OVERLAY_RECORD_PROOFS "floors" /* a folder */
#define OVERLAY_RECORD_TIME   "time"

/* Where proofs are kept, and who is believed. Plain data; borrowed. */
struct overlay_proofs {
	int record_fd; /* PERSIST/wmopkg; -1: there are none */
	const struct verity_policy *policy;
	int64_t latest; /* signing times after this do not count */
};

/**
 * overlay_proofs_epoch - the epoch that is proven for a package name; 0: none is;
 * VERITY_EPOCH_UNKNOWN: what is kept of it cannot be read now
 *
 * Cost: one small file, and one verification of a signature where it exists.
 */
uint32_t overlay_proofs_epoch(const struct overlay_proofs *proofs, const char *name);

/**
 * overlay_proofs_time - the signing time that is proven, seconds since 1970; -1: none is
 */
int64_t overlay_proofs_time(const struct overlay_proofs *proofs);

/**
 * overlay_proofs_add - keep a preamble where it proves more than what is kept
 * @preamble: verity_preamble_bytes() from the start of a package
 *
 * The records must be locked. What is not signed for this device proves nothing, and is
 * no failure.
 *
 * Return: 0; -E2BIG (TOO_MANY) where it is of one name too many; -ENOMEM; -errno.
 */
int overlay_proofs_add(const struct overlay_proofs *proofs, const void *preamble,
		       size_t size, struct verity_error *err) must_check;
