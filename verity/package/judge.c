/* SPDX-License-Identifier: MIT */
#include "verity/package/judge.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "verity/package/judge_private.h"
#include "verity/package/judge_rules.h"
#include "verity/util/cleanup.h"

struct verity_judgement {
	enum verity_verdict verdict;
	enum verity_verdict
		origin;       /* Signed, Unsigned or Untrusted: what its signature says */
	bool allow_untrusted; /* of the policy it was judged under */
	bool allow_downgrade;
	struct verity_error reason;
	struct verity_manifest *manifest;
	struct verity_signatures signatures;
	uint8_t id[VERITY_DIGEST_BYTES];
};

const char *const verity_verdict_names[VERITY_VERDICTS] = {
	[VERITY_SIGNED] = "Signed",       [VERITY_UNSIGNED] = "Unsigned",
	[VERITY_UNTRUSTED] = "Untrusted", [VERITY_INVALID] = "Invalid",
	[VERITY_REVOKED] = "Revoked",     [VERITY_INCOMPATIBLE] = "Incompatible",
	[VERITY_DOWNGRADE] = "Downgrade", [VERITY_QUARANTINED] = "Quarantined",
};

const char *verity_verdict_name(enum verity_verdict verdict)
{
	return verity_verdict_names[verdict];
}

void verity_judgement_free(struct verity_judgement *judgement)
{
	if (!judgement)
		return;
	verity_manifest_free(judgement->manifest);
	free(judgement);
}

enum verity_verdict verity_judgement_verdict(const struct verity_judgement *judgement)
{
	return judgement->verdict;
}

static bool origin_accepted(const struct verity_judgement *judgement)
{
	return judgement->origin == VERITY_SIGNED || judgement->allow_untrusted;
}

bool verity_judgement_accepted(const struct verity_judgement *judgement)
{
	switch (judgement->verdict) {
	case VERITY_SIGNED:
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return origin_accepted(judgement);
	case VERITY_DOWNGRADE:
		return origin_accepted(judgement) && judgement->allow_downgrade;
	case VERITY_INVALID:
	case VERITY_REVOKED:
	case VERITY_INCOMPATIBLE:
	case VERITY_QUARANTINED:
		break;
	}
	return false;
}

bool verity_judgement_signed(const struct verity_judgement *judgement)
{
	return judgement->origin == VERITY_SIGNED;
}

const struct verity_error *verity_judgement_reason(
	const struct verity_judgement *judgement)
{
	return &judgement->reason;
}

const struct verity_manifest *verity_judgement_manifest(
	const struct verity_judgement *judgement)
{
	return judgement->manifest;
}

const struct verity_signatures *verity_judgement_signatures(
	const struct verity_judgement *judgement)
{
	return &judgement->signatures;
}

const uint8_t *verity_judgement_id(const struct verity_judgement *judgement)
{
	return judgement->id;
}

struct verity_root verity_judgement_root(const struct verity_judgement *judgement)
{
	const struct verity_manifest *manifest = judgement->manifest;
	struct verity_root root = {.salt = manifest->salt,
				   .salt_bytes = manifest->salt_bytes};

	memcpy(root.hash, manifest->root_hash, sizeof(root.hash));
	return root;
}

size_t verity_front_bytes(const struct verity_head *head)
{
	uint64_t blocks = (verity_head_end(head) + VERITY_BLOCK - 1) / VERITY_BLOCK;

	return (size_t)blocks * VERITY_BLOCK;
}

void verity_judgement_condemn(struct verity_judgement *judgement,
			      const struct verity_error *reason)
{
	judgement->verdict = VERITY_INVALID;
	judgement->reason = *reason;
}

/*
 * A signature that is there is sound or the package is Invalid: what does not verify
 * never counts as unsigned.
 */
static int judge_signature(struct verity_judgement *judgement, const uint8_t *front,
			   const struct verity_head *head,
			   const struct verity_policy *policy,
			   struct verity_error *reason)
{
	const uint8_t *manifest = front + VERITY_HEAD_BYTES;
	int r;

	if (head->signature_bytes == 0) {
		judgement->origin = VERITY_UNSIGNED;
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
	if (r == 0)
		judgement->origin = VERITY_SIGNED;
	if (r != -EKEYREJECTED)
		return r;
	judgement->reason = *reason;
	return 0;
}

/* The deny list counts for all; the rest is asked of what may be used otherwise. */
static void judge_statements(struct verity_judgement *judgement,
			     const struct verity_policy *policy)
{
	const struct verity_subject subject = {&judgement->signatures,
					       judgement->manifest, judgement->id};
	struct verity_error why;

	judgement->verdict = judgement->origin;
	if (verity_judge_denied(policy, &subject, &why) < 0) {
		judgement->verdict = VERITY_REVOKED;
		judgement->reason = why;
	} else if (origin_accepted(judgement)) {
		enum verity_verdict verdict = verity_judge_rules(policy, &subject, &why);

		if (verdict == VERITY_SIGNED)
			return;
		judgement->verdict = verdict;
		judgement->reason = why;
	}
}

static int take_id(struct verity_judgement *judgement, const uint8_t *manifest,
		   size_t bytes, struct verity_error *reason)
{
	if (EVP_Digest(manifest, bytes, judgement->id, NULL, EVP_sha256(), NULL) != 1)
		return verity_fail(reason, VERITY_E_NO_MEMORY, "out of memory");
	return 0;
}

static int check_padding(const uint8_t *front, const struct verity_head *head,
			 struct verity_error *reason)
{
	for (size_t i = (size_t)verity_head_end(head); i < verity_front_bytes(head); i++)
		if (front[i] != 0)
			return verity_fail(
				reason, VERITY_E_BAD_PADDING,
				"the padding after the signature is not zero at "
				"byte %zu",
				i);
	return 0;
}

static int judge(struct verity_judgement *judgement, const uint8_t *front,
		 const struct verity_head *head, const struct verity_policy *policy,
		 struct verity_layout *ret_layout, struct verity_error *reason)
{
	const uint8_t *manifest = front + VERITY_HEAD_BYTES;
	int r = judge_signature(judgement, front, head, policy, reason);

	if (r == 0)
		r = verity_manifest_decode(manifest, head->manifest_bytes,
					   &judgement->manifest, reason);
	if (r == 0)
		r = check_padding(front, head, reason);
	if (r == 0)
		r = verity_layout_compute(head, judgement->manifest->image_bytes,
					  ret_layout, reason);
	if (r == 0)
		r = take_id(judgement, manifest, head->manifest_bytes, reason);
	if (r == 0)
		judge_statements(judgement, policy);
	return r;
}

static int judgement_new(struct verity_judgement **ret, struct verity_error *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	(*ret)->verdict = VERITY_INVALID;
	(*ret)->origin = VERITY_UNTRUSTED;
	return 0;
}

int verity_judge_front(const uint8_t *front, const struct verity_head *head,
		       const struct verity_policy *policy, struct verity_judgement **ret,
		       struct verity_layout *ret_layout, struct verity_error *err)
{
	cleanup_with(verity_judgement_free_p) struct verity_judgement *judgement = NULL;
	struct verity_error reason = {0};
	int r = judgement_new(&judgement, err);

	if (r < 0)
		return r;
	judgement->allow_untrusted = policy->allow_untrusted;
	judgement->allow_downgrade = policy->allow_downgrade;
	r = judge(judgement, front, head, policy, ret_layout, &reason);
	if (r == -ENOMEM) {
		if (err)
			*err = reason;
		return r;
	}
	if (r < 0)
		verity_judgement_condemn(judgement, &reason);
	*ret = steal_ptr(&judgement);
	return 0;
}

int verity_judgement_new_invalid(const struct verity_error *reason,
				 struct verity_judgement **ret, struct verity_error *err)
{
	int r = judgement_new(ret, err);

	if (r == 0)
		verity_judgement_condemn(*ret, reason);
	return r;
}
