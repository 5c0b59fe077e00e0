/* SPDX-License-Identifier: MIT */

/*
 * The U-Boot environment, as libubootenv reads it: one copy, or two with flags, with the
 * checksums put right, and once as it came.
 */

#include "tests/fuzz/pieces.h"

#include "overlay/config/uboot.h"

#define ENV_BYTES 2048

static uint32_t crc32_of(const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size; i++) {
		crc ^= data[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

static void put_copy(int fd, const uint8_t *data, size_t size, int flags)
{
	uint8_t copy[ENV_BYTES] = {0};
	size_t head = 4 + (flags >= 0);
	uint32_t crc;

	if (flags >= 0)
		copy[4] = (uint8_t)flags;
	memcpy(copy + head, data, size < ENV_BYTES - head ? size : ENV_BYTES - head);
	crc = crc32_of(copy + head, ENV_BYTES - head);
	memcpy(copy, &crc, sizeof(crc)); /* little-endian where fuzzers run */
	require(write(fd, copy, ENV_BYTES) == ENV_BYTES);
}

/* In files of a folder: the library asks for their real paths. */
static void read_all(int folder, unsigned copies)
{
	static const char *const names[] = {"wmopkg.allow_untrusted", "wmopkg.disable",
					    "a", ""};
	char *values[4];
	char path[128];
	int config =
		openat(folder, "config", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	require(config >= 0);
	for (unsigned i = 0; i < copies; i++)
		dprintf(config, "%s/env 0x%x 0x%x\n", fuzz_folder, i * ENV_BYTES,
			ENV_BYTES);
	close(config);
	snprintf(path, sizeof(path), "%s/config", fuzz_folder);
	if (overlay_uboot_read(path, names, 4, values, NULL) < 0)
		for (size_t i = 0; i < 4; i++)
			require(!values[i]);
	for (size_t i = 0; i < 4; i++) {
		require(!values[i] || strlen(values[i]) < ENV_BYTES);
		free(values[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned copies = size > 0 && data[0] & 1 ? 2 : 1;
	bool raw = size > 0 && (data[0] & 6) == 6;
	static int folder = -1;
	int env;

	if (folder < 0)
		folder = pieces_folder(NULL, 0);
	env = openat(folder, "env", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	require(env >= 0);
	if (size < 3)
		size = 0;
	for (unsigned i = 0; size > 0 && !raw && i < copies; i++)
		put_copy(env, data + 3, size - 3, copies == 2 ? data[1 + i] : -1);
	if (raw)
		require(write(env, data, size) == (ssize_t)size);
	close(env);
	read_all(folder, copies);
	return 0;
}
