/* SPDX-License-Identifier: MIT */
/* Estimates the memory of a mounted squashfs from its super block. */
#include "overlay/stack/memory.h"

#include <endian.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "verity/util/cleanup.h"
#include "verity/util/io.h"
#include "verity/util/sizes.h"

#define KIB(count) ((uint64_t)(count) << 10)

/* Squashfs 4.0: where the super block has what is asked here. */
#define SUPER_BYTES      96
#define SUPER_MAGIC      "hsqs"
#define SUPER_BLOCK_SIZE 12
#define SUPER_COMPRESSOR 20
#define SUPER_FLAGS      24
#define FLAG_OPTIONS                                                                     \
	0x0400          /* a metadata block with options of the compressor follows       \
			 */
#define OPTIONS_BYTES 2 /* its header, and then, for xz, the dictionary's size */

#define BLOCK_MAX      KIB(1024) /* that the kernel mounts */
#define FRAGMENTS      3         /* CONFIG_SQUASHFS_FRAGMENT_CACHE_SIZE, by default */
#define METADATA       KIB(64)   /* 8 blocks of 8 KiB */
#define DEVICES        KIB(320)  /* loop, device-mapper, dm-verity, the mount; measured */
#define DICTIONARY_MAX (UINT64_C(1) << 30)

enum { GZIP = 1, LZMA, LZO, XZ, LZ4, ZSTD };

static uint32_t le32(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return le32toh(value);
}

static uint16_t le16(const uint8_t *bytes)
{
	uint16_t value;

	memcpy(&value, bytes, sizeof(value));
	return le16toh(value);
}

/* Of one stream; measured where the kernel's own formula is not in a header. */
static uint64_t decompressor(const uint8_t *super, uint64_t block)
{
	uint64_t dictionary = block;

	switch (le16(super + SUPER_COMPRESSOR)) {
	case XZ:
		if (le16(super + SUPER_FLAGS) & FLAG_OPTIONS)
			dictionary = le32(super + SUPER_BYTES + OPTIONS_BYTES);
		if (dictionary > DICTIONARY_MAX)
			dictionary = DICTIONARY_MAX;
		return dictionary + KIB(48);
	case LZ4:
	case LZO:
		return 2 * block;
	case ZSTD:
		return block + KIB(384);
	case GZIP:
	case LZMA:
	default:
		return KIB(64);
	}
}

/* Kernels that read in parallel have a block and a decompressor for each processor. */
uint64_t overlay_memory_needed(const struct verity_verified *verified,
			       unsigned processors)
{
	uint8_t super[VERITY_BLOCK];
	uint64_t block;

	if (verity_io_read(verity_verified_fd(verified), super, sizeof(super),
			   verity_verified_layout(verified)->image_start, NULL) < 0 ||
	    memcmp(super, SUPER_MAGIC, strlen(SUPER_MAGIC)) != 0)
		return DEVICES;
	block = le32(super + SUPER_BLOCK_SIZE);
	if (block > BLOCK_MAX)
		block = BLOCK_MAX;
	return DEVICES + METADATA + FRAGMENTS * block +
	       processors * (block + decompressor(super, block));
}

unsigned overlay_memory_processors(void)
{
	int configured = get_nprocs_conf();

	return configured > 1 ? (unsigned)configured : 1;
}

/* Asked before each package is mounted: in one piece, of which the first KiB is enough.
 */
uint64_t overlay_memory_read(const char *key)
{
	cleanup_fd int fd = open("/proc/meminfo", O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *line;
	uint64_t kib;

	if (size < 0)
		return UINT64_MAX;
	text[size] = '\0';
	line = strstr(text, key);
	if (!line || sscanf(line + strlen(key), ": %" SCNu64 " kB", &kib) != 1)
		return UINT64_MAX;
	return KIB(kib);
}
