/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include "overlay/bootconf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_bootconf bootconf;

	overlay_bootconf_decode((const char *)data, size, &bootconf);
	require(bootconf.disabled_count <= OVERLAY_DISABLED_MAX);
	for (size_t i = 0; i < bootconf.disabled_count; i++) {
		require(verity_name_valid(bootconf.disabled[i]));
		require(overlay_bootconf_disabled(&bootconf, bootconf.disabled[i]));
	}
	return 0;
}
