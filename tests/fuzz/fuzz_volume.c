/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "factory/data_volume.h"
#include "verity/util/text.h"

/* Whatever is remembered, the program that makes it is told it in words of its own. */
static void check_words(const struct factory_volume *volume)
{
	const struct factory_program make =
		factory_filesystem_make(&volume->filesystem, "/dev/null", true);
	size_t count = 0;

	while (make.words[count])
		count++;
	require(count < FACTORY_WORDS_MAX);
	require((count > 0) == (make.paths != NULL));
	require(count == 0 || strcmp(make.words[count - 1], "/dev/null") == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct factory_volume volume, again;
	char *text;

	if (factory_volume_decode(data, size, &volume, NULL) < 0)
		return 0;
	require(volume.filesystem.type[0] && volume.place[0] && volume.bytes > 0);
	require(verity_text_printable(volume.place, strlen(volume.place)));
	/* What was read can be written, and reads the same again. */
	require(factory_volume_encode(&volume, &text, NULL) == 0);
	require(factory_volume_decode(text, strlen(text), &again, NULL) == 0);
	require(strcmp(again.filesystem.type, volume.filesystem.type) == 0);
	require(strcmp(again.filesystem.label, volume.filesystem.label) == 0);
	require(strcmp(again.filesystem.uuid, volume.filesystem.uuid) == 0);
	require(strcmp(again.place, volume.place) == 0);
	require(again.bytes == volume.bytes);
	free(text);
	check_words(&volume);
	return 0;
}
