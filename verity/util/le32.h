/* SPDX-License-Identifier: MIT */
#pragma once

/* 32-bit little-endian numbers in bytes of any alignment. */

#include <stdint.h>

static inline uint32_t verity_le32_get(const uint8_t *bytes)
{
	return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
	       (uint32_t)bytes[3] << 24;
}

static inline void verity_le32_put(uint8_t *bytes, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}
