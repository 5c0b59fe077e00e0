/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The memory that a mounted package takes of the kernel, whether it is used or not: what
 * squashfs sets aside for blocks and for its decompressor, dm-verity, and the devices.
 * Held to real kernels by tests/kernel/case_memory.py.
 */

#include "verity/package/package.h"

#include <stdint.h>

/**
 * overlay_memory_processors - how many processors the kernel can have; asks the kernel
 */
unsigned overlay_memory_processors(void);

/**
 * overlay_memory_needed - how many bytes the mounted package takes, about
 * @processors: of overlay_memory_processors()
 *
 * Reads the first 4 KiB of the image.
 */
uint64_t overlay_memory_needed(const struct verity_verified *verified,
			       unsigned processors);

/**
 * overlay_memory_read - a line of /proc/meminfo
 * @key: "MemAvailable", "MemTotal"
 *
 * Return: bytes; UINT64_MAX where it cannot be read.
 */
uint64_t overlay_memory_read(const char *key);
