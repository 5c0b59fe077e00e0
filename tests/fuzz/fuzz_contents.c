/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/listed.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_contents contents = {0};
	int fd = memfd_create("image", MFD_CLOEXEC);

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	if (contents_read_image(fd, 0, size, &listed_limits, &contents, NULL) == 0) {
		listed_check(&contents);
		overlay_contents_free(&contents);
	}
	close(fd);
	return 0;
}
