/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How the two readers of a package (verity/package/package.c: a whole file,
 * verity/package/stream.c: bytes as they arrive) get their judgement, and
 * verity/package/inspect.c its outlook. No other file includes this.
 */

#include "verity/hashtree/tree.h"
#include "verity/package/judge.h"
#include "verity/util/cleanup.h"

/*
 * The proof that a package may be used. Made only by the two readers, when the image
 * matched, as far as the policy had it read, and the policy accepted the package.
 */
struct verity_verified {
	int fd; /* borrowed, like the rest; -1: not verified */
	const struct verity_layout *layout;
	const struct verity_judgement *judgement;
};

/**
 * verity_judge_preamble - judge head, signature and manifest
 * @preamble: verity_preamble_bytes(@head) bytes from the start of the package
 * @ret: the judgement, also where it is Invalid; free with verity_judgement_free()
 * @ret_layout: filled where the judgement is not Invalid
 *
 * Return: 0; -ENOMEM.
 */
int verity_judge_preamble(const uint8_t *preamble, const struct verity_head *head,
			  const struct verity_policy *policy,
			  struct verity_judgement **ret, struct verity_layout *ret_layout,
			  struct verity_error *err) must_check;

/**
 * verity_judgement_new_invalid - the judgement on a package whose head cannot be read
 *
 * Return: 0; -ENOMEM.
 */
int verity_judgement_new_invalid(const struct verity_error *reason,
				 struct verity_judgement **ret,
				 struct verity_error *err) must_check;

/**
 * verity_judgement_condemn - the package is Invalid after all
 */
void verity_judgement_condemn(struct verity_judgement *judgement,
			      const struct verity_error *reason);

void verity_judgement_free(struct verity_judgement *judgement);

DEFINE_CLEANUP(struct verity_judgement, verity_judgement_free);

/**
 * verity_judgement_root - what the image must match; borrows from the manifest
 */
struct verity_root verity_judgement_root(const struct verity_judgement *judgement);
