/* SPDX-License-Identifier: MIT */
/* Super blocks: the input is laid out where those of every type are looked for. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>

#include "overlay/store/superblock.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const types[] = {"", "ext4", "btrfs", "f2fs", "xfs", "jfs"};
	static const size_t places[] = {0, 1024, 4096, 16384, 65536};
	uint8_t *bytes = calloc(1, OVERLAY_SUPERBLOCK_BYTES);
	size_t place = size ? places[data[0] % 5] : 0, count = size ? size - 1 : 0;

	require(bytes);
	if (count > OVERLAY_SUPERBLOCK_BYTES - place)
		count = OVERLAY_SUPERBLOCK_BYTES - place;
	if (count > 0)
		memcpy(bytes + place, data + 1, count);
	/* no more than what is there, so that a sanitizer sees each byte beyond it */
	bytes = realloc(bytes, place + count + 1);
	require(bytes);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		struct verity_error err = {.message = ""};
		int r = overlay_superblock_check(types[i], bytes, place + count, "/dev/x",
						 &err);

		require(r == 0 || (r == -EIO && err.message[0]));
		require(r == 0 || strcmp(types[i], "xfs") != 0);
		require(r < 0 || strcmp(types[i], "jfs") != 0);
	}
	free(bytes);
	return 0;
}
