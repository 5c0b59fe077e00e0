/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "overlay/config/config.h"
#include "verity/util/io.h"

/* The text goes the way that a file does: the parser never sees what is too long. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_config config = {.data = NULL};
	struct verity_error err = {.code = VERITY_OK};
	char path[64];
	int fd = memfd_create("config", MFD_CLOEXEC);

	require(fd >= 0);
	require(verity_io_write(fd, data, size, 0, NULL) == 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (overlay_config_load(path, &config, &err) == 0) {
		require(config.data && config.persist && config.keys && config.run);
		require(config.signers_count <= OVERLAY_SIGNERS_MAX);
		require(config.firmware_built >= 0);
		overlay_config_free(&config);
	} else {
		require(err.code != VERITY_OK && err.message[0]);
		require(!config.data);
	}
	close(fd);
	return 0;
}
