/* SPDX-License-Identifier: MIT */

/* Judging what comes before the tree: signature, manifest, padding, statements. */

#include "verity/package/judge_preamble.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/package/judge_rules.h"
#include "verity/package/preamble.h"
#include "verity/util/debug.h"

void verity_judgement_free(struct verity_judgement *judgement)
{
	if (!judgement)
		return;
	verity_manifest_free(judgement->manifest);
	free(judgement);
}

struct verity_root verity_judgement_root(const struct verity_judgement *judgement)
{
	const struct verity_manifest *manifest = judgement->manifest;
	struct verity_root root = {.salt = manifest->salt,
				   .salt_bytes = manifest->salt_bytes};

	memcpy(root.hash, manifest->root_hash, sizeof(root.hash));
	return root;
}

void verity_judgement_condemn(struct verity_judgement *judgement,
			      const struct verity_error *reason)
{
	judgement->verdict = VERITY_INVALID;
	judgement->accepted = false;
	judgement->reason = *reason;
}

/*
 * Sets the verdict to Signed, Unsigned or Untrusted. A signature that is there is valid
 * or the package is Invalid: what does not verify never counts as unsigned.
 */
static int judge_signature(struct verity_judgement *judgement, const uint8_t *manifest,
			   const struct verity_head *head,
			   const struct verity_policy *policy,
			   struct verity_error *reason)
{
	int r;

	if (head->signature_bytes == 0) {
		judgement->verdict = VERITY_UNSIGNED;
		verity_fail(&judgement->reason, VERITY_E_NO_SIGNATURE,
			    "it has no signature");
		return 0;
	}
	r = verity_cms_verify(manifest, head->manifest_bytes,
			      manifest + head->manifest_bytes, head->signature_bytes,
			      policy->keyring, VERITY_PURPOSE_PACKAGE,
			      &judgement->signatures, reason);
	if (r == 0)
		r = verity_judge_required(&policy->required, &judgement->signatures,
					  reason);
	judgement->trusted = r == 0;
	judgement->verdict = r == 0 ? VERITY_SIGNED : VERITY_UNTRUSTED;
	if (r != -EKEYREJECTED)
		return r;
	judgement->reason = *reason;
	return 0;
}

/* The deny list counts for every package, the rules for those that may be used. */
static void judge_statements(struct verity_judgement *judgement,
			     const struct verity_policy *policy)
{
	enum verity_verdict verdict = VERITY_SIGNED;
	struct verity_error why;

	judgement->accepted = judgement->trusted || policy->allow_untrusted;
	if (verity_judge_denied(policy, judgement, &why) < 0)
		verdict = VERITY_REVOKED;
	else if (judgement->accepted)
		verdict = verity_judge_rules(policy, judgement, &why);
	if (verdict == VERITY_SIGNED)
		return;
	judgement->verdict = verdict;
	judgement->reason = why;
	judgement->accepted = judgement->accepted && verdict == VERITY_DOWNGRADE &&
			      policy->allow_downgrade;
}

/* Each step only on what the step before let through. */
static int judge(struct verity_judgement *judgement, const uint8_t *preamble,
		 const struct verity_head *head, const struct verity_policy *policy,
		 struct verity_layout *ret_layout, struct verity_error *reason)
{
	const uint8_t *manifest = preamble + VERITY_HEAD_BYTES;
	int r = judge_signature(judgement, manifest, head, policy, reason);

	if (r == 0)
		r = verity_manifest_decode(manifest, head->manifest_bytes,
					   &judgement->manifest, reason);
	if (r < 0)
		return r;
	for (size_t i = (size_t)verity_head_end(head); i < verity_preamble_bytes(head);
	     i++)
		if (preamble[i] != 0)
			return verity_fail(reason, VERITY_E_BAD_PADDING,
					   "the padding after the signature is not zero "
					   "at byte %zu",
					   i);
	r = verity_layout_compute(head, judgement->manifest->image_bytes, ret_layout,
				  reason);
	if (r < 0)
		return r;
	if (EVP_Digest(manifest, head->manifest_bytes, judgement->id, NULL, EVP_sha256(),
		       NULL) != 1)
		return verity_no_memory(reason);
	judge_statements(judgement, policy);
	return 0;
}

int verity_judge_preamble(const uint8_t *preamble, const struct verity_head *head,
			  const struct verity_policy *policy,
			  struct verity_judgement **ret, struct verity_layout *ret_layout,
			  struct verity_error *err)
{
	cleanup_with(verity_judgement_free_p) struct verity_judgement *judgement =
		calloc(1, sizeof(*judgement));
	struct verity_error reason = {0};
	int r;

	if (!judgement)
		return verity_no_memory(err);
	judgement->verdict = VERITY_INVALID;
	r = judge(judgement, preamble, head, policy, ret_layout, &reason);
	if (r == -ENOMEM) {
		if (err)
			*err = reason;
		return r;
	}
	if (r < 0)
		verity_judgement_condemn(judgement, &reason);
	verity_debug("judged %s: %s",
		     judgement->manifest ? judgement->manifest->name : "a package",
		     verity_verdict_name(judgement->verdict));
	*ret = steal_ptr(&judgement);
	return 0;
}

int verity_judgement_new_invalid(const struct verity_error *reason,
				 struct verity_judgement **ret, struct verity_error *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return verity_no_memory(err);
	verity_judgement_condemn(*ret, reason);
	return 0;
}
