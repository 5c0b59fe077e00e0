/* SPDX-License-Identifier: MIT */
/* The list of mounts, as the lean program of the initramfs reads it. */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "overlay/fs/mounts.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_mounts mounts;
	char path[64];
	int fd = memfd_create("mounts", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	require(overlay_mounts_read(path, &mounts) == 0);
	require(mounts.count <= size);
	for (size_t i = 0; i < mounts.count; i++) {
		require(strlen(mounts.items[i].root) < size);
		require(strlen(mounts.items[i].target) < size);
		require(!mounts.items[i].source || mounts.items[i].source[0] == '/');
	}
	overlay_mounts_free(&mounts);
	close(fd);
	return 0;
}
