/* SPDX-License-Identifier: MIT */

/*
 * For ARM with 64 bits: two lanes with the SHA2 instructions of ARMv8 (SHA256H, SHA256H2,
 * SHA256SU0, SHA256SU1). Without them, as on a Raspberry Pi 4: vectors.
 */

#include "verity/hashtree/sha256_lanes.h"

/* Before version 16, Clang's header hides what the command line does not ask for. */
#if defined(__clang__) && !defined(__ARM_FEATURE_SHA2)
#define __ARM_FEATURE_SHA2 1
#endif

#include <arm_neon.h>
#include <asm/hwcap.h>
#include <endian.h>
#include <string.h>
#include <sys/auxv.h>

#define QUADS 16 /* of four rounds each */

#ifdef __clang__
#define USES_SHA __attribute__((target("sha2")))
#else
#define USES_SHA __attribute__((target("+crypto")))
#endif

static bool has_sha(void)
{
	return getauxval(AT_HWCAP) & HWCAP_SHA2;
}

static bool has_vectors(void)
{
	return getauxval(AT_HWCAP) & HWCAP_ASIMD;
}

/* One message: its state as the instructions want it, and the last 16 schedule words. */
struct lane {
	uint32x4_t abcd, efgh;
	uint32x4_t w[4];
};

/* Schedule words 4 * @quad and the three after it: read, or made of the 16 before. */
USES_SHA static inline uint32x4_t schedule(struct lane *lane, int quad,
					   const uint8_t *chunk)
{
	uint32x4_t *w = &lane->w[quad & 3];

	if (quad < 4)
		*w = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(chunk + 16 * quad)));
	else
		*w = vsha256su1q_u32(vsha256su0q_u32(*w, lane->w[(quad + 1) & 3]),
				     lane->w[(quad + 2) & 3], lane->w[(quad + 3) & 3]);
	return vaddq_u32(*w, vld1q_u32(verity_sha256_k + 4 * quad));
}

USES_SHA static inline void take_chunk(struct lane lanes[2],
				       const uint8_t *const chunks[2])
{
	const struct lane before[2] = {lanes[0], lanes[1]};

	/* Side by side, so that one message's rounds fill the waits of the other's. */
#pragma GCC unroll 16
	for (int quad = 0; quad < QUADS; quad++) {
		const uint32x4_t a = schedule(&lanes[0], quad, chunks[0]);
		const uint32x4_t b = schedule(&lanes[1], quad, chunks[1]);
		const uint32x4_t abcd[2] = {lanes[0].abcd, lanes[1].abcd};

		lanes[0].abcd = vsha256hq_u32(abcd[0], lanes[0].efgh, a);
		lanes[1].abcd = vsha256hq_u32(abcd[1], lanes[1].efgh, b);
		lanes[0].efgh = vsha256h2q_u32(lanes[0].efgh, abcd[0], a);
		lanes[1].efgh = vsha256h2q_u32(lanes[1].efgh, abcd[1], b);
	}
	for (int i = 0; i < 2; i++) {
		lanes[i].abcd = vaddq_u32(lanes[i].abcd, before[i].abcd);
		lanes[i].efgh = vaddq_u32(lanes[i].efgh, before[i].efgh);
	}
}

USES_SHA static void take_two(struct verity_sha256_state *states,
			      const uint8_t *const *messages, size_t chunks)
{
	struct lane lanes[2];
	const uint8_t *next[2] = {messages[0], messages[1]};

	for (int i = 0; i < 2; i++) {
		lanes[i].abcd = vld1q_u32(states[i].words);
		lanes[i].efgh = vld1q_u32(states[i].words + 4);
	}
	for (size_t i = 0; i < chunks; i++) {
		take_chunk(lanes, next);
		verity_sha256_ahead(next[0], 2);
		verity_sha256_ahead(next[1], 2);
		next[0] += SHA256_CHUNK_BYTES;
		next[1] += SHA256_CHUNK_BYTES;
	}
	for (int i = 0; i < 2; i++) {
		vst1q_u32(states[i].words, lanes[i].abcd);
		vst1q_u32(states[i].words + 4, lanes[i].efgh);
	}
}

#define LANES 4
#define TARGET
#define NAME(any) neon_##any
#include "verity/hashtree/sha256_vectors.h"

const struct verity_sha256_kind verity_sha256_kinds[SHA256_KINDS_MAX + 1] = {
	{"SHA2", 2, has_sha, take_two},
	{"NEON", 4, has_vectors, neon_take},
	{.lanes = 0},
};
