/* SPDX-License-Identifier: MIT */

/* Reading only the preamble of a package. */

#include "verity/package/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "verity/package/judge_preamble.h"
#include "verity/package/preamble.h"

struct verity_inspection {
	struct verity_head head;
	struct verity_manifest *manifest;
	uint8_t preamble[VERITY_PREAMBLE_MAX];
};

void verity_inspection_free(struct verity_inspection *inspection)
{
	if (!inspection)
		return;
	verity_manifest_free(inspection->manifest);
	free(inspection);
}

int verity_inspection_open(int dirfd, const char *name, struct verity_inspection **ret,
			   struct verity_error *err)
{
	cleanup_with(verity_inspection_free_p) struct verity_inspection *inspection =
		malloc(sizeof(*inspection));
	cleanup_fd int fd = -1;
	uint64_t bytes;
	int r;

	if (!inspection)
		return verity_no_memory(err);
	inspection->manifest = NULL; /* the rest, 130 KiB, is read before it is used */
	r = verity_preamble_open(dirfd, name, &fd, &bytes, err);
	if (r == 0)
		r = verity_preamble_read(fd, bytes, inspection->preamble,
					 &inspection->head, err);
	if (r == 0)
		r = verity_manifest_decode(inspection->preamble + VERITY_HEAD_BYTES,
					   inspection->head.manifest_bytes,
					   &inspection->manifest, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&inspection);
	return 0;
}

const struct verity_manifest *verity_inspection_manifest(
	const struct verity_inspection *inspection)
{
	return inspection->manifest;
}

int verity_inspection_outlook(const struct verity_inspection *inspection,
			      const struct verity_policy *policy,
			      struct verity_outlook *ret, struct verity_error *err)
{
	cleanup_with(verity_judgement_free_p) struct verity_judgement *judgement = NULL;
	struct verity_layout layout = {.file_bytes = 0};
	int r = verity_judge_preamble(inspection->preamble, &inspection->head, policy,
				      &judgement, &layout, err);

	if (r < 0)
		return r;
	*ret = (struct verity_outlook){
		.verdict = judgement->verdict,
		.accepted = judgement->accepted,
		.reason = judgement->reason,
		.file_bytes = layout.file_bytes,
	};
	memcpy(ret->id, judgement->id, sizeof(ret->id));
	return 0;
}
