/* SPDX-License-Identifier: MIT */

/* The pair with the SHA extensions of x86-64: SHA256RNDS2, SHA256MSG1 and SHA256MSG2. */

#include "verity/sha256_pair.h"

#include <cpuid.h>
#include <immintrin.h>

#define QUADS    16 /* of four rounds each */
#define USES_SHA __attribute__((target("sha,sse4.1,ssse3")))

bool verity_sha256_pair_available(void)
{
	unsigned eax, ebx, ecx, edx;
	unsigned wanted = bit_SSSE3 | bit_SSE4_1;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & wanted) != wanted)
		return false;
	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

/* One message: its state as the instructions want it, and the last 16 schedule words. */
struct lane {
	__m128i abef, cdgh;
	__m128i w[4];
};

USES_SHA static inline void lane_load(struct lane *lane, const uint32_t *h)
{
	lane->abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
	lane->cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
}

USES_SHA static inline void lane_store(const struct lane *lane, uint32_t *h)
{
	h[0] = (uint32_t)_mm_extract_epi32(lane->abef, 3);
	h[1] = (uint32_t)_mm_extract_epi32(lane->abef, 2);
	h[2] = (uint32_t)_mm_extract_epi32(lane->cdgh, 3);
	h[3] = (uint32_t)_mm_extract_epi32(lane->cdgh, 2);
	h[4] = (uint32_t)_mm_extract_epi32(lane->abef, 1);
	h[5] = (uint32_t)_mm_extract_epi32(lane->abef, 0);
	h[6] = (uint32_t)_mm_extract_epi32(lane->cdgh, 1);
	h[7] = (uint32_t)_mm_extract_epi32(lane->cdgh, 0);
}

/* Schedule words 4 * @quad and the three after it: read, or made of the 16 before. */
USES_SHA static inline __m128i schedule(struct lane *lane, int quad, const uint8_t *chunk)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i *w = &lane->w[quad & 3];

	if (quad < 4) {
		*w = _mm_shuffle_epi8(
			_mm_loadu_si128(
				(const __m128i_u *)(const void *)(chunk + 16 * quad)),
			big_endian);
	} else {
		const __m128i before = lane->w[(quad + 3) & 3];
		const __m128i seven = _mm_alignr_epi8(before, lane->w[(quad + 2) & 3], 4);

		*w = _mm_sha256msg1_epu32(*w, lane->w[(quad + 1) & 3]);
		*w = _mm_sha256msg2_epu32(_mm_add_epi32(*w, seven), before);
	}
	return _mm_add_epi32(
		*w, _mm_load_si128(
			    (const __m128i *)(const void *)(verity_sha256_k + 4 * quad)));
}

USES_SHA static inline void take_chunk(struct lane lanes[2],
				       const uint8_t *const chunks[2])
{
	const struct lane before[2] = {lanes[0], lanes[1]};

	/* Side by side, so that one message's rounds fill the waits of the other's. */
#pragma GCC unroll 16
	for (int quad = 0; quad < QUADS; quad++) {
		__m128i a = schedule(&lanes[0], quad, chunks[0]);
		__m128i b = schedule(&lanes[1], quad, chunks[1]);

		lanes[0].cdgh = _mm_sha256rnds2_epu32(lanes[0].cdgh, lanes[0].abef, a);
		lanes[1].cdgh = _mm_sha256rnds2_epu32(lanes[1].cdgh, lanes[1].abef, b);
		a = _mm_shuffle_epi32(a, 0x0e);
		b = _mm_shuffle_epi32(b, 0x0e);
		lanes[0].abef = _mm_sha256rnds2_epu32(lanes[0].abef, lanes[0].cdgh, a);
		lanes[1].abef = _mm_sha256rnds2_epu32(lanes[1].abef, lanes[1].cdgh, b);
	}
	for (int i = 0; i < 2; i++) {
		lanes[i].abef = _mm_add_epi32(lanes[i].abef, before[i].abef);
		lanes[i].cdgh = _mm_add_epi32(lanes[i].cdgh, before[i].cdgh);
	}
}

USES_SHA void verity_sha256_pair_take(struct verity_sha256_state states[static 2],
				      const uint8_t *const messages[static 2],
				      size_t chunks)
{
	struct lane lanes[2];
	const uint8_t *next[2] = {messages[0], messages[1]};

	lane_load(&lanes[0], states[0].words);
	lane_load(&lanes[1], states[1].words);
	for (size_t i = 0; i < chunks; i++) {
		take_chunk(lanes, next);
		next[0] += SHA256_CHUNK_BYTES;
		next[1] += SHA256_CHUNK_BYTES;
	}
	lane_store(&lanes[0], states[0].words);
	lane_store(&lanes[1], states[1].words);
}
