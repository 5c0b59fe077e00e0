/* SPDX-License-Identifier: MIT */

/*
 * The order of versions: the same from both ends, and none for the same text. It is no
 * order of three: UAPI.10 takes "0" for no number at all, so that 1.0a, 1.a and 1.u can
 * go round in a circle.
 */

#include "tests/fuzz/pieces.h"

#include "verity/util/version.h"

static int order(const char *a, const char *b)
{
	int there = verity_version_compare(a, b), back = verity_version_compare(b, a);

	require((there > 0) == (back < 0) && (there < 0) == (back > 0));
	return there;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pieces pieces = {data, size};
	char *a = pieces_text(&pieces), *b = pieces_text(&pieces);
	char *newer = calloc(1, strlen(a) + 3);

	require(newer);
	order(a, b);
	require(order(a, a) == 0);
	sprintf(newer, "%s^1", a);
	require(order(a, newer) < 0);
	sprintf(newer, "%s~1", a);
	require(order(a, newer) > 0);
	free(newer);
	free(b);
	free(a);
	return 0;
}
