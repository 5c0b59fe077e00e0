/* SPDX-License-Identifier: MIT */
#pragma once

/* What a policy says of a package beyond its signature. Pure. */

#include "verity/package/judge.h"

/**
 * verity_judge_required - whether the signers that this device requires have signed
 *
 * Return: 0; -EKEYREJECTED (MISSING_SIGNER).
 */
int verity_judge_required(const struct verity_required *required,
			  const struct verity_signatures *signatures,
			  struct verity_error *reason) must_check;

/**
 * verity_judge_denied - whether the deny list names the package
 * @judgement: of the package; its signatures and manifest are read
 *
 * Return: 0; -EKEYREVOKED (REVOKED).
 */
int verity_judge_denied(const struct verity_policy *policy,
			const struct verity_judgement *judgement,
			struct verity_error *reason) must_check;

/**
 * verity_judge_model - whether something is for this device model
 * @compatible: globs, @count of them; none: it is for all
 *
 * Return: 0; -EPERM (WRONG_MODEL).
 */
int verity_judge_model(const struct verity_policy *policy,
		       char (*compatible)[VERITY_GLOB_MAX + 1], size_t count,
		       struct verity_error *reason) must_check;

/**
 * verity_judge_rules - quarantine, epoch floor, model and firmware, in this order
 * @judgement: of the package; its id and manifest are read
 * @reason: filled where one of them is against it
 *
 * Return: VERITY_SIGNED where none is; the verdict of the first that is.
 */
enum verity_verdict verity_judge_rules(const struct verity_policy *policy,
				       const struct verity_judgement *judgement,
				       struct verity_error *reason) must_check;
