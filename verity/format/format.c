/* SPDX-License-Identifier: MIT */
/* Decodes the head of a package file, and computes where its parts are. */
#include "verity/format/format.h"

#include <inttypes.h>
#include <string.h>

#include "verity/hashtree/tree.h"
#include "verity/util/le32.h"

uint64_t verity_round_up_block(uint64_t bytes)
{
	return (bytes + VERITY_BLOCK - 1) / VERITY_BLOCK * VERITY_BLOCK;
}

int verity_head_decode(const uint8_t bytes[static VERITY_HEAD_BYTES],
		       struct verity_head *ret, struct verity_error *err)
{
	struct verity_head head = {
		.manifest_bytes = verity_le32_get(bytes + VERITY_MAGIC_BYTES),
		.signature_bytes = verity_le32_get(bytes + VERITY_MAGIC_BYTES + 4),
	};

	if (memcmp(bytes, VERITY_STATEMENT_MAGIC, VERITY_MAGIC_BYTES) == 0)
		return verity_fail(err, VERITY_E_WRONG_TYPE,
				   "it is a signed statement, not a package");
	if (memcmp(bytes, VERITY_MAGIC, VERITY_MAGIC_BYTES) != 0)
		return verity_fail(err, VERITY_E_BAD_MAGIC,
				   "not a package: it does not begin with " VERITY_MAGIC);
	if (head.manifest_bytes < VERITY_MANIFEST_MIN ||
	    head.manifest_bytes > VERITY_MANIFEST_MAX)
		return verity_fail(
			err, VERITY_E_BAD_SIZES,
			"the manifest's size of %" PRIu32 " bytes is outside %d to %d",
			head.manifest_bytes, VERITY_MANIFEST_MIN, VERITY_MANIFEST_MAX);
	if (head.signature_bytes > VERITY_SIGNATURE_MAX)
		return verity_fail(err, VERITY_E_BAD_SIZES,
				   "the signature's size of %" PRIu32
				   " bytes is over the limit of %d",
				   head.signature_bytes, VERITY_SIGNATURE_MAX);
	*ret = head;
	return 0;
}

void verity_head_encode(const struct verity_head *head,
			uint8_t ret[static VERITY_HEAD_BYTES])
{
	memcpy(ret, VERITY_MAGIC, VERITY_MAGIC_BYTES);
	verity_le32_put(ret + VERITY_MAGIC_BYTES, head->manifest_bytes);
	verity_le32_put(ret + VERITY_MAGIC_BYTES + 4, head->signature_bytes);
}

uint64_t verity_head_end(const struct verity_head *head)
{
	return (uint64_t)VERITY_HEAD_BYTES + head->manifest_bytes + head->signature_bytes;
}

int verity_layout_compute(const struct verity_head *head, uint64_t image_bytes,
			  struct verity_layout *ret, struct verity_error *err)
{
	struct verity_geometry geometry;
	struct verity_layout layout;

	if (image_bytes < 1 || image_bytes > VERITY_IMAGE_MAX)
		return verity_fail(err, VERITY_E_BAD_MANIFEST,
				   "image.bytes of %" PRIu64 " is outside 1 to %" PRIu64,
				   image_bytes, VERITY_IMAGE_MAX);

	layout.image_bytes = verity_round_up_block(image_bytes);
	geometry = verity_geometry_compute(layout.image_bytes / VERITY_BLOCK);
	layout.manifest_start = VERITY_HEAD_BYTES;
	layout.signature_start = layout.manifest_start + head->manifest_bytes;
	layout.padding_start = verity_head_end(head);
	layout.tree_start = verity_round_up_block(layout.padding_start);
	layout.tree_bytes = geometry.tree_blocks * VERITY_BLOCK;
	layout.image_start = layout.tree_start + layout.tree_bytes;
	layout.file_bytes = layout.image_start + layout.image_bytes;
	*ret = layout;
	return 0;
}
