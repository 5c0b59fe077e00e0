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
 * verity_judge_rules - quarantine, epoch floor, model and firmware, in this order
 * @judgement: of the package; its id and manifest are read
 * @reason: filled where one of them is against it
 *
 * Return: VERITY_SIGNED where none is; the verdict of the first that is.
 */
enum verity_verdict verity_judge_rules(const struct verity_policy *policy,
				       const struct verity_judgement *judgement,
				       struct verity_error *reason) must_check;
