/* SPDX-License-Identifier: MIT */
#pragma once

/* What a policy says of a package beyond its signature; for verity/package/judge.c alone.
 * Pure.
 */

#include "verity/package/judge.h"

/* Of whom: all borrowed. */
struct verity_subject {
	const struct verity_signatures *signatures;
	const struct verity_manifest *manifest;
	const uint8_t *id;
};

/**
 * verity_judge_required - whether those signed whose signature this device asks for
 *
 * Return: 0; -EKEYREJECTED (MISSING_SIGNER).
 */
int verity_judge_required(const struct verity_required *required,
			  const struct verity_signatures *signatures,
			  struct verity_error *reason) must_check;

/**
 * verity_judge_denied - whether the deny list names the package
 *
 * Return: 0; -EKEYREVOKED (REVOKED).
 */
int verity_judge_denied(const struct verity_policy *policy,
			const struct verity_subject *subject,
			struct verity_error *reason) must_check;

/**
 * verity_judge_rules - quarantine, epoch floor, model and firmware, in this order
 * @reason: filled where one of them speaks against it
 *
 * Return: VERITY_SIGNED where none does; the verdict of the first that does.
 */
enum verity_verdict verity_judge_rules(const struct verity_policy *policy,
				       const struct verity_subject *subject,
				       struct verity_error *reason) must_check;
