/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/config/bootconf.h"
#include "verity/util/text.h"

/* A label becomes part of messages, and a match the path of a device. */
static void check_media(const struct overlay_media *media)
{
	const char *value;
	enum overlay_match kind = overlay_media_match(media, &value);

	require(verity_name_valid(media->label));
	require(strcmp(media->label, OVERLAY_MEDIA_EXTERNAL) != 0);
	require(value[0] && verity_text_printable(value, strlen(value)));
	require(kind != OVERLAY_MATCH_DEVICE ||
		(strncmp(value, "/dev/", 5) == 0 && !strstr(value, "/../")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_bootconf bootconf;
	struct verity_error unused;
	unsigned at = 0, count = 0;

	overlay_bootconf_decode((const char *)data, size, &bootconf);
	require(bootconf.disabled_count <= OVERLAY_DISABLED_MAX);
	for (size_t i = 0; i < bootconf.disabled_count; i++) {
		require(verity_name_valid(bootconf.disabled[i]));
		require(overlay_bootconf_disabled(&bootconf, bootconf.disabled[i]));
	}
	require(bootconf.media_count <= OVERLAY_MEDIA_MAX);
	for (size_t i = 0; i < bootconf.media_count; i++)
		check_media(&bootconf.media[i]);
	while (overlay_bootconf_unused(&bootconf, &at, &unused))
		require(++count <= OVERLAY_BOOTKEYS + 1);
	return 0;
}
