/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A package file that was opened once and judged. From here on no function takes a path:
 * the descriptor that was verified is the one that is attached.
 */

#include "verity/judge.h"

struct verity_package;

/*
 * A package whose whole image was checked and which the policy accepts. Only the judge
 * constructs one; what mounts anything asks for this type and for nothing else.
 */
struct verity_verified;

/**
 * verity_package_open - open a package file and judge it
 * @dirfd:  directory that @name is relative to, or AT_FDCWD; borrowed
 * @name:   package file; opened once, never by name again; a final link is not followed
 *          where @dirfd is not AT_FDCWD
 * @policy: who is trusted; borrowed for the call
 * @ret:    set on success alone, whatever the verdict; free with verity_package_free()
 * @err:    filled on failure alone; may be NULL
 *
 * Reads the whole image once where head and @policy let it (cost: bytes / SHA-256
 * throughput / threads; memory about 0.5 MiB a thread). Mounts nothing, prints nothing. A
 * package that is malformed, does not match or cannot be read to its end is a success
 * with the verdict Invalid.
 *
 * Return: 0; -ENOENT; -EINVAL (NOT_A_FILE) for anything but a regular file; -errno.
 */
int verity_package_open(int dirfd, const char *name, const struct verity_policy *policy,
			struct verity_package **ret, struct verity_error *err) must_check;

void verity_package_free(struct verity_package *package);

/**
 * verity_package_judgement - what the judge says of it; borrowed
 */
const struct verity_judgement *verity_package_judgement(
	const struct verity_package *package);

/**
 * verity_package_layout - where its parts lie; NULL where that could not be told
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
