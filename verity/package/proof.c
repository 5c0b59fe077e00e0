/* SPDX-License-Identifier: MIT */
/* Judging a preamble that is kept without its image. */
#include "verity/package/proof.h"

#include <stdio.h>

#include "verity/package/judge_preamble.h"
#include "verity/package/preamble.h"

int verity_proof_read(const void *preamble, size_t size,
		      const struct verity_policy *policy, int64_t latest,
		      struct verity_proof *ret, struct verity_error *err)
{
	cleanup_with(verity_judgement_free_p) struct verity_judgement *judgement = NULL;
	const struct verity_policy signed_only = {
		.keyring = policy->keyring,
		.required = policy->required,
		.denylist = policy->denylist,
	};
	const struct verity_signatures *signatures;
	struct verity_proof proof = {.signed_at = -1};
	struct verity_layout unused;
	struct verity_head head;
	int r;

	if (size < VERITY_HEAD_BYTES)
		return verity_fail(err, VERITY_E_BAD_LENGTH,
				   "the file has %zu bytes, too few for a package", size);
	r = verity_head_decode(preamble, &head, err);
	if (r == 0 && size != verity_preamble_bytes(&head))
		return verity_fail(err, VERITY_E_BAD_LENGTH,
				   "the file has %zu bytes, but its head says %zu", size,
				   verity_preamble_bytes(&head));
	if (r == 0)
		r = verity_judge_preamble(preamble, &head, &signed_only, &judgement,
					  &unused, err);
	if (r < 0)
		return r;
	if (judgement->verdict != VERITY_SIGNED)
		return verity_fail(err, judgement->reason.code, "%s",
				   judgement->reason.message);
	snprintf(proof.name, sizeof(proof.name), "%s", judgement->manifest->name);
	proof.epoch = judgement->manifest->epoch;
	signatures = &judgement->signatures;
	for (size_t i = 0; i < signatures->count; i++) {
		const struct verity_signer *signer = &signatures->signers[i];
		int64_t when = verity_signer_time(signer);

		if (signer->anchor[0] && when <= latest && when > proof.signed_at)
			proof.signed_at = when;
	}
	*ret = proof;
	return 0;
}
