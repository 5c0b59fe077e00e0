/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "verity/format/manifest.h"
#include "verity/util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct verity_manifest *manifest, *again;
	char *text;

	if (verity_manifest_decode(data, size, &manifest, NULL) < 0)
		return 0;
	require(verity_name_valid(manifest->name));
	require(verity_text_printable(manifest->version, strlen(manifest->version)));
	require(verity_text_printable(manifest->description,
				      strlen(manifest->description)));
	require(manifest->image_bytes >= 1 && manifest->image_bytes <= VERITY_IMAGE_MAX);
	require(manifest->salt_bytes <= VERITY_SALT_MAX);

	/* What was read can be written, and reads the same again. */
	require(verity_manifest_encode(manifest, &text, NULL) == 0);
	require(verity_manifest_decode(text, strlen(text), &again, NULL) == 0);
	require(strcmp(again->version, manifest->version) == 0);
	require(again->image_bytes == manifest->image_bytes);
	require(again->priority == manifest->priority);
	require(again->compatible_count == manifest->compatible_count);
	require(again->needs_count == manifest->needs_count);
	for (size_t i = 0; i < manifest->needs_count; i++)
		require(strcmp(again->needs[i].name, manifest->needs[i].name) == 0 &&
			strcmp(again->needs[i].version, manifest->needs[i].version) == 0);
	require(again->conflicts_count == manifest->conflicts_count);
	for (size_t i = 0; i < manifest->conflicts_count; i++)
		require(verity_name_valid(again->conflicts[i]));
	verity_manifest_free(again);
	verity_manifest_free(manifest);
	free(text);
	return 0;
}
