/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What an ELF file says to its loader: which one it wants, which libraries it needs, and
 * where to look for them (System V ABI, "Dynamic Linking"). Of any architecture, 32 and
 * 64 bits, both byte orders.
 */

#include "verity/util/error.h"

#include <stddef.h>
#include <stdint.h>

#define OVERLAY_ELF_HEADERS_MAX 128   /* program headers of one file */
#define OVERLAY_ELF_DYNAMIC_MAX 65536 /* bytes of the dynamic section */
#define OVERLAY_ELF_NEEDED_MAX  256   /* libraries of one file */
#define OVERLAY_ELF_TEXT_MAX    4095  /* bytes of a name or a list of folders */

/* Libraries that a program uses have the same kind as the program. */
struct overlay_elf_kind {
	uint8_t class, order; /* EI_CLASS, EI_DATA */
	uint16_t machine;
};

struct overlay_elf {
	struct overlay_elf_kind kind;
	char *interpreter;     /* owned; NULL: none, as in a library */
	char *rpath, *runpath; /* owned; NULL: none */
	char **needed;         /* owned */
	size_t count;
};

/**
 * overlay_elf_read - decode a file
 * @fd:  regular file; borrowed
 * @ret: set on success only; overlay_elf_free()
 *
 * Reads headers and texts, never the whole file. More than a limit is malformed.
 *
 * Return: 0; -ENOEXEC for anything but a well-formed program or library; -ENOMEM; -errno.
 */
int overlay_elf_read(int fd, struct overlay_elf *ret) must_check;

void overlay_elf_free(struct overlay_elf *elf);
