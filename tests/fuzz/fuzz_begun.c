/* SPDX-License-Identifier: MIT */
/* The number of boots that ended early. */
#include "tests/fuzz/fuzz.h"

#include "overlay/record/begun.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	unsigned begun, limit = size ? data[0] % 100 : 3;

	require(text);
	for (size_t i = 0; i < size; i++)
		text[i] = (char)data[i];
	begun = overlay_begun_decode(text, size);
	require(begun <= OVERLAY_BEGUN_MAX);
	/* Whatever was written, the boots after it verify more and more again. */
	for (int i = 0; i < 4 && begun > 0; i++)
		begun = overlay_begun_after(overlay_begun_caution(begun, limit), limit);
	require(begun == 0 || limit > 0);
	require(overlay_begun_caution(begun, limit) == OVERLAY_CAUTION_NONE);
	free(text);
	return 0;
}
