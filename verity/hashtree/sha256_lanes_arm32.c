/* SPDX-License-Identifier: MIT */

/* For ARM with 32 bits: vectors, where OpenSSL has no better instructions. */

#include "verity/hashtree/sha256_lanes.h"

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <endian.h>
#include <string.h>
#include <sys/auxv.h>

#define TARGET    __attribute__((target("fpu=neon")))
#define LANES     4
#define NAME(any) neon_##any
#include "verity/hashtree/sha256_vectors.h"

/*
 * Only on ARMv8, as CRC32 shows: NEON units before, of Cortex-A7 to A9, take two cycles
 * and more for an instruction with 128 bits, and OpenSSL is as fast there. With SHA2 it
 * is faster everywhere.
 */
static bool has_vectors(void)
{
	unsigned long more = getauxval(AT_HWCAP2);

	return (getauxval(AT_HWCAP) & HWCAP_NEON) && (more & HWCAP2_CRC32) &&
	       !(more & HWCAP2_SHA2);
}

const struct verity_sha256_kind verity_sha256_kinds[SHA256_KINDS_MAX + 1] = {
	{"NEON", 4, has_vectors, neon_take},
	{.lanes = 0},
};
