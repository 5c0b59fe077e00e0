/* SPDX-License-Identifier: MIT */
#pragma once

/* ELF files that say what a test wants. */

#include <stddef.h>
#include <stdint.h>

#define CRAFTED_ELF_BYTES 4096

struct crafted_elf {
	int class, order, machine;                 /* 0: 64 bits, little-endian, x86-64 */
	const char *interpreter, *rpath, *runpath; /* NULL: none */
	const char *needed[8];                     /* up to the first NULL */
};

/**
 * crafted_elf_make - the bytes of one
 *
 * Return: how many.
 */
size_t crafted_elf_make(const struct crafted_elf *elf,
			uint8_t ret[static CRAFTED_ELF_BYTES]);
