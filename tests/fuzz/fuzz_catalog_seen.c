/* SPDX-License-Identifier: MIT */
/* What a server said of the catalogue, as whoever writes to PERSIST may have left it. */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/record/catalog.h"
#include "verity/util/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_catalog_seen seen;

	if (overlay_catalog_seen_decode(data, size, &seen, NULL) < 0)
		return 0;
	/* It is sent to a server, as one line. */
	require(strlen(seen.version) <= OVERLAY_CATALOG_VERSION_MAX);
	require(verity_text_printable(seen.version, strlen(seen.version)));
	return 0;
}
