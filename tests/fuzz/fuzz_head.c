/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/format/format.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_head head;
	struct verity_layout layout;
	uint8_t again[VERITY_HEAD_BYTES];
	uint64_t image_bytes;

	if (size < VERITY_HEAD_BYTES + sizeof(image_bytes))
		return 0;
	if (verity_head_decode(data, &head, NULL) < 0)
		return 0;
	verity_head_encode(&head, again);
	require(memcmp(again, data, sizeof(again)) == 0);

	memcpy(&image_bytes, data + VERITY_HEAD_BYTES, sizeof(image_bytes));
	if (verity_layout_compute(&head, image_bytes, &layout, NULL) < 0)
		return 0;
	require(layout.padding_start >= verity_head_end(&head));
	require(layout.tree_start % VERITY_BLOCK == 0);
	require(layout.image_start == layout.tree_start + layout.tree_bytes);
	require(layout.image_bytes >= image_bytes);
	require(layout.file_bytes == layout.image_start + layout.image_bytes);
	return 0;
}
