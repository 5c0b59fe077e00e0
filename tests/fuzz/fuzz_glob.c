/* SPDX-License-Identifier: MIT */
/* A pattern of a manifest and the model of a device; work is what -timeout looks at. */
#include "tests/fuzz/pieces.h"

#include "verity/format/manifest.h"
#include "verity/util/glob.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pieces pieces = {data, size};
	char *pattern = pieces_text(&pieces), *text = pieces_text(&pieces);
	size_t length = strlen(pattern);
	char *longer = calloc(1, length + 3);
	bool matches = verity_glob_match(pattern, text);

	require(longer);
	require(verity_glob_match("*", text) && verity_glob_match("**", text));
	if (!strpbrk(pattern, "*?["))
		require(matches == (strcmp(pattern, text) == 0));
	if (!strchr(pattern, '[') && matches) {
		sprintf(longer, "*%s*", pattern);
		require(verity_glob_match(longer, text));
	}
	free(longer);
	free(text);
	free(pattern);
	return 0;
}
