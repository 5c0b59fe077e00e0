/* SPDX-License-Identifier: MIT */
#include "verity/sha256_pair.h"

struct verity_sha256_state verity_sha256_start(void)
{
	/* FIPS 180-4 §5.3.3 */
	return (struct verity_sha256_state){{0x6a09e667, 0xbb67ae85, 0x3c6ef372,
					     0xa54ff53a, 0x510e527f, 0x9b05688c,
					     0x1f83d9ab, 0x5be0cd19}};
}

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

/* FIPS 180-4 §4.2.2 */
static const uint32_t k[64] __attribute__((aligned(16))) = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1,
	0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3,
	0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
	0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
	0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
	0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
	0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

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
		*w, _mm_load_si128((const __m128i *)(const void *)(k + 4 * quad)));
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

#else /* other processors */

#include <assert.h>

bool verity_sha256_pair_available(void)
{
	return false;
}

void verity_sha256_pair_take(struct verity_sha256_state states[static 2],
			     const uint8_t *const messages[static 2], size_t chunks)
{
	(void)states;
	(void)messages;
	(void)chunks;
	assert(!"verity_sha256_pair_available() said no");
}

#endif
