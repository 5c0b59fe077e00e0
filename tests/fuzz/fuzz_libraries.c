/* SPDX-License-Identifier: MIT */
/* An ELF file, or with "C" in front a cache of the loader. */
#include "tests/fuzz/fuzz.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "overlay/libraries/elf.h"
#include "overlay/libraries/ld_cache.h"

static int take(void *context, const char *path)
{
	size_t *left = context;

	require(strlen(path) < 1 << 20);
	return --*left == 0 ? -ENOSPC : 0;
}

static void read_cache(const uint8_t *data, size_t size)
{
	for (int big = 0; big < 2; big++) {
		/* a 0 follows, and nothing after */
		char *copy = malloc(size + 1);
		size_t left = 1000;

		require(copy);
		memcpy(copy, data, size);
		copy[size] = '\0';
		(void)!overlay_ld_cache_find(copy, size, big, "libc.so.6", take, &left);
		free(copy);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct overlay_elf elf;
	int fd, r;

	if (size > 0 && data[0] == 'C') {
		read_cache(data + 1, size - 1);
		return 0;
	}
	fd = memfd_create("elf", MFD_CLOEXEC);
	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	r = overlay_elf_read(fd, &elf);
	require(r == 0 || r == -ENOEXEC);
	if (r == 0) {
		require(elf.count <= OVERLAY_ELF_NEEDED_MAX);
		for (size_t i = 0; i < elf.count; i++)
			require(strlen(elf.needed[i]) <= OVERLAY_ELF_TEXT_MAX);
		overlay_elf_free(&elf);
	}
	close(fd);
	return 0;
}
