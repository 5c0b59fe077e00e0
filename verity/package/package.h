/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A package file that was opened once and judged. From here on no function takes a path:
 * the descriptor that was verified is the one that is attached.
 */

#include "verity/package/judge.h"
#include "verity/util/cleanup.h"

struct verity_package;

/*
 * The proof that a package may be used. Only the judge constructs one; what mounts
 * anything asks for this type and for nothing else. In either case signature, head and
 * length are right, the policy accepts the package, and the root hash that dm-verity is
 * to be given is the one that was signed, so that no byte that differs from the signer's
 * is ever read from the device made of it. What it says of the image beyond that:
 *
 * - As a rule: every block of tree and image was read once, and matched.
 * - Under a policy that is lazy: the levels above the leaves, the first leaf's hash block
 *   and the image's first block were read, and matched. Nothing is known of the others,
 *   nor whether they can be read: dm-verity finds out when they are, and makes a block
 *   that does not match an I/O error.
 */
struct verity_verified;

/**
 * verity_package_open - open a package file and judge it
 * @dirfd:  directory that @name is relative to, or AT_FDCWD; borrowed
 * @name:   package file; opened once, never by name again; a final link is not followed
 *          where @dirfd is not AT_FDCWD
 * @policy: who is trusted; borrowed for the call
 * @ret:    set on success only, whatever the verdict; free with verity_package_free()
 * @err:    filled on failure only; may be NULL
 *
 * Reads the whole image once where head and @policy let it (cost: bytes / SHA-256
 * throughput / threads; memory about 0.5 MiB a thread), and no more than 1/16384 of it
 * where @policy is lazy. Mounts nothing, prints nothing. A package that is malformed,
 * does not match or cannot be read as far as that is a success with the verdict Invalid.
 *
 * Return: 0; -ENOENT; -EINVAL (NOT_A_FILE) for anything but a regular file; -errno.
 */
int verity_package_open(int dirfd, const char *name, const struct verity_policy *policy,
			struct verity_package **ret, struct verity_error *err) must_check;

/**
 * verity_package_read_image - read the image of a package that was opened with a policy
 * that is lazy, so that the rule applies as if it were not
 * @threads: for hashing; 0: one for each processor
 *
 * Whether the package is to be used at all can be decided before this, at little cost.
 * Nothing is read where the package was not accepted. One that does not match is Invalid
 * from then on, and no proof is left.
 *
 * Return: 0, whatever the verdict; -ENOMEM, and then no proof is left.
 */
int verity_package_read_image(struct verity_package *package, unsigned threads,
			      struct verity_error *err) must_check;

void verity_package_free(struct verity_package *package);

DEFINE_CLEANUP(struct verity_package, verity_package_free);

/**
 * verity_package_judgement - what the judge says of it; borrowed
 */
const struct verity_judgement *verity_package_judgement(
	const struct verity_package *package);

/**
 * verity_package_layout - where its parts lie; NULL where that is unknown
 */
const struct verity_layout *verity_package_layout(const struct verity_package *package);

/**
 * verity_package_fd - the descriptor it was read through, read-only; borrowed
 */
int verity_package_fd(const struct verity_package *package);

/**
 * verity_package_verified - the proof that this package may be used
 *
 * Return: borrowed, lives as long as @package; NULL where it was not accepted.
 */
const struct verity_verified *verity_package_verified(
	const struct verity_package *package);

/* What the holder of the proof may know. All borrowed from it. */
int verity_verified_fd(const struct verity_verified *verified);
const struct verity_layout *verity_verified_layout(
	const struct verity_verified *verified);
const struct verity_manifest *verity_verified_manifest(
	const struct verity_verified *verified);

/**
 * verity_verified_signed - whether its signer is in the key ring (nodev) or it is only
 * allowed as untrusted (nodev and nosuid)
 */
bool verity_verified_signed(const struct verity_verified *verified);
