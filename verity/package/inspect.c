/* SPDX-License-Identifier: MIT */
#include "verity/package/inspect.h"

#include <stdlib.h>

#include "verity/package/judge_private.h"
#include "verity/package/preamble.h"
#include "verity/util/cleanup.h"

struct verity_peek {
	struct verity_head head;
	struct verity_manifest *claims;
	uint8_t front[VERITY_FRONT_MAX];
};

void verity_peek_free(struct verity_peek *peek)
{
	if (!peek)
		return;
	verity_manifest_free(peek->claims);
	free(peek);
}

int verity_peek_open(int dirfd, const char *name, struct verity_peek **ret,
		     struct verity_error *err)
{
	cleanup_with(verity_peek_free_p) struct verity_peek *peek =
		calloc(1, sizeof(*peek));
	cleanup_fd int fd = -1;
	uint64_t bytes;
	int r;

	if (!peek)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	r = verity_front_open(dirfd, name, &fd, &bytes, err);
	if (r == 0)
		r = verity_front_read(fd, bytes, peek->front, &peek->head, err);
	if (r == 0)
		r = verity_manifest_decode(peek->front + VERITY_HEAD_BYTES,
					   peek->head.manifest_bytes, &peek->claims, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&peek);
	return 0;
}

const struct verity_manifest *verity_peek_claims(const struct verity_peek *peek)
{
	return peek->claims;
}

int verity_peek_outlook(const struct verity_peek *peek,
			const struct verity_policy *policy, struct verity_outlook *ret,
			struct verity_error *err)
{
	cleanup_with(verity_judgement_free_p) struct verity_judgement *judgement = NULL;
	struct verity_layout unused;
	int r = verity_judge_front(peek->front, &peek->head, policy, &judgement, &unused,
				   err);

	if (r < 0)
		return r;
	*ret = (struct verity_outlook){
		.verdict = verity_judgement_verdict(judgement),
		.accepted = verity_judgement_accepted(judgement),
		.reason = *verity_judgement_reason(judgement),
	};
	return 0;
}
