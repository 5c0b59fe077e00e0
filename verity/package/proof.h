/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The preamble of a package as a proof: that the vendor signed this name with this epoch,
 * and when. It can be kept where anybody may write, since nobody else can make one. It
 * says nothing about an image, and makes no package usable.
 */

#include "verity/package/judge.h"

/* Plain data. */
struct verity_proof {
	char name[VERITY_NAME_MAX + 1]; /* of the manifest */
	uint32_t epoch;
	int64_t signed_at; /* seconds since 1970; -1: no time that counts */
};

/**
 * verity_proof_read - what a preamble proves
 * @preamble: bytes from the start of a package
 * @size:     verity_preamble_bytes() of them, no more and no less
 * @policy:   key ring, required signers and deny list; nothing else of it is asked
 * @latest:   signing times after this do not count: a clock was wrong
 *
 * Where several trusted signers signed, the newest of their times that counts is taken.
 * Cost: one verification of the signature.
 *
 * Return: 0; -EBADMSG; -EKEYREJECTED; -EKEYREVOKED; -ENOMEM.
 */
int verity_proof_read(const void *preamble, size_t size,
		      const struct verity_policy *policy, int64_t latest,
		      struct verity_proof *ret, struct verity_error *err) must_check;
