/* SPDX-License-Identifier: MIT */
#include "verity/judge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/cleanup.h"
#include "verity/judge_private.h"

struct verity_judgement {
	enum verity_verdict verdict;
	bool allow_untrusted; /* of the policy it was judged under */
	struct verity_error reason;
	struct verity_manifest *manifest;
	struct verity_signer signer;
	bool has_signer;
};

static const char *const verdict_names[] = {
	[VERITY_SIGNED] = "Signed",
	[VERITY_UNSIGNED] = "Unsigned",
	[VERITY_UNTRUSTED] = "Untrusted",
	[VERITY_INVALID] = "Invalid",
};

const char *verity_verdict_name(enum verity_verdict verdict)
{
	return verdict_names[verdict];
}

int verity_verdict_from_name(const char *name, enum verity_verdict *ret)
{
	for (size_t i = 0; i < sizeof(verdict_names) / sizeof(verdict_names[0]); i++)
		if (strcmp(verdict_names[i], name) == 0) {
			*ret = (enum verity_verdict)i;
			return 0;
		}
	return verity_fail(NULL, VERITY_E_USAGE, "%s", name);
}

void verity_judgement_free(struct verity_judgement *judgement)
{
	if (!judgement)
		return;
	verity_manifest_free(judgement->manifest);
	free(judgement);
}

DEFINE_CLEANUP(struct verity_judgement, verity_judgement_free);

enum verity_verdict verity_judgement_verdict(const struct verity_judgement *judgement)
{
	return judgement->verdict;
}

bool verity_judgement_accepted(const struct verity_judgement *judgement)
{
	switch (judgement->verdict) {
	case VERITY_SIGNED:
		return true;
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return judgement->allow_untrusted;
	case VERITY_INVALID:
		break;
	}
	return false;
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

const struct verity_signer *verity_judgement_signer(
	const struct verity_judgement *judgement)
{
	return judgement->has_signer ? &judgement->signer : NULL;
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
	return (verity_head_end(head) + VERITY_BLOCK - 1) / VERITY_BLOCK * VERITY_BLOCK;
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
		judgement->verdict = VERITY_UNSIGNED;
		verity_fail(&judgement->reason, VERITY_E_NO_SIGNATURE,
			    "it has no signature");
		return 0;
	}
	r = verity_cms_verify(manifest, head->manifest_bytes,
			      manifest + head->manifest_bytes, head->signature_bytes,
			      policy->keyring, &judgement->signer, reason);
	judgement->has_signer = judgement->signer.subject[0] != '\0';
	if (r == 0)
		judgement->verdict = VERITY_SIGNED;
	if (r == -EKEYREJECTED) {
		judgement->verdict = VERITY_UNTRUSTED;
		judgement->reason = *reason;
		return 0;
	}
	return r;
}

static int check_padding(const uint8_t *front, const struct verity_head *head,
			 struct verity_error *reason)
{
	for (size_t i = verity_head_end(head); i < verity_front_bytes(head); i++)
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
	int r = judge_signature(judgement, front, head, policy, reason);

	if (r == 0)
		r = verity_manifest_decode(front + VERITY_HEAD_BYTES,
					   head->manifest_bytes, &judgement->manifest,
					   reason);
	if (r == 0)
		r = check_padding(front, head, reason);
	if (r == 0)
		r = verity_layout_compute(head, judgement->manifest->image_bytes,
					  ret_layout, reason);
	return r;
}

static int judgement_new(struct verity_judgement **ret, struct verity_error *err)
{
	*ret = calloc(1, sizeof(**ret));
	if (!*ret)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	(*ret)->verdict = VERITY_INVALID;
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
