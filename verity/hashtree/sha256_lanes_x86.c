/* SPDX-License-Identifier: MIT */

/*
 * Lanes with the SHA extensions of x86-64: SHA256RNDS2, SHA256MSG1 and SHA256MSG2. Two
 * fit the 16 registers that these can name. Where AVX-512VL has 16 more to keep the rest
 * in, four take 0.8 of the time of two. Without the extensions: vectors.
 */

#include "verity/hashtree/sha256_lanes.h"

#include <cpuid.h>
#include <endian.h>
#include <immintrin.h>
#include <string.h>

#define QUADS     16 /* of four rounds each */
#define USES_SHA  __attribute__((target("sha,sse4.1,ssse3")))
#define USES_MORE __attribute__((target("sha,avx512vl,avx512bw")))
#define INLINE    USES_SHA static inline __attribute__((always_inline))

static bool has_sha(void)
{
	unsigned eax, ebx, ecx, edx;
	unsigned wanted = bit_SSSE3 | bit_SSE4_1;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || (ecx & wanted) != wanted)
		return false;
	return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && (ebx & bit_SHA);
}

/* Whether the kernel keeps the registers, too: the compiler's function asks that. */
static bool has_avx512(void)
{
	return __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

static bool has_avx2(void)
{
	return __builtin_cpu_supports("avx2");
}

static bool has_sha_and_avx512(void)
{
	return has_sha() && has_avx512();
}

/* Every x86-64. */
static bool has_sse2(void)
{
	return true;
}

/* One message: its state as the instructions want it, and the last 16 schedule words. */
struct lane {
	__m128i abef, cdgh;
	__m128i w[4];
};

/* Schedule words 4 * @quad and the three after it: read, or made of the 16 before. */
INLINE __m128i schedule(struct lane *lane, int quad, const uint8_t *chunk)
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

/* Four rounds of two lanes, side by side: one's rounds fill the waits of the other's. */
INLINE void take_quad(struct lane lanes[2], int quad, const uint8_t *const chunks[2])
{
	__m128i a = schedule(&lanes[0], quad, chunks[0]);
	__m128i b = schedule(&lanes[1], quad, chunks[1]);

	lanes[0].cdgh = _mm_sha256rnds2_epu32(lanes[0].cdgh, lanes[0].abef, a);
	lanes[1].cdgh = _mm_sha256rnds2_epu32(lanes[1].cdgh, lanes[1].abef, b);
	a = _mm_shuffle_epi32(a, 0x0e);
	b = _mm_shuffle_epi32(b, 0x0e);
	lanes[0].abef = _mm_sha256rnds2_epu32(lanes[0].abef, lanes[0].cdgh, a);
	lanes[1].abef = _mm_sha256rnds2_epu32(lanes[1].abef, lanes[1].cdgh, b);
}

/* Two lanes: where they are in their messages, and what they were before a chunk. */
struct pair {
	struct lane lanes[2];
	__m128i before[2][2];
	const uint8_t *next[2];
};

INLINE void pair_begin(struct pair *pair, const struct verity_sha256_state *states,
		       const uint8_t *const *messages)
{
	for (int i = 0; i < 2; i++) {
		const uint32_t *h = states[i].words;
		struct lane *lane = &pair->lanes[i];

		lane->abef = _mm_set_epi32((int)h[0], (int)h[1], (int)h[4], (int)h[5]);
		lane->cdgh = _mm_set_epi32((int)h[2], (int)h[3], (int)h[6], (int)h[7]);
		pair->next[i] = messages[i];
	}
}

INLINE void pair_keep(struct pair *pair, unsigned lanes)
{
	for (int i = 0; i < 2; i++) {
		verity_sha256_ahead(pair->next[i], lanes);
		pair->before[i][0] = pair->lanes[i].abef;
		pair->before[i][1] = pair->lanes[i].cdgh;
	}
}

INLINE void pair_add(struct pair *pair)
{
	for (int i = 0; i < 2; i++) {
		struct lane *lane = &pair->lanes[i];

		lane->abef = _mm_add_epi32(lane->abef, pair->before[i][0]);
		lane->cdgh = _mm_add_epi32(lane->cdgh, pair->before[i][1]);
		pair->next[i] += SHA256_CHUNK_BYTES;
	}
}

INLINE void pair_end(const struct pair *pair, struct verity_sha256_state *states)
{
	for (int i = 0; i < 2; i++) {
		const struct lane *lane = &pair->lanes[i];
		uint32_t *h = states[i].words;

		h[0] = (uint32_t)_mm_extract_epi32(lane->abef, 3);
		h[1] = (uint32_t)_mm_extract_epi32(lane->abef, 2);
		h[2] = (uint32_t)_mm_extract_epi32(lane->cdgh, 3);
		h[3] = (uint32_t)_mm_extract_epi32(lane->cdgh, 2);
		h[4] = (uint32_t)_mm_extract_epi32(lane->abef, 1);
		h[5] = (uint32_t)_mm_extract_epi32(lane->abef, 0);
		h[6] = (uint32_t)_mm_extract_epi32(lane->cdgh, 1);
		h[7] = (uint32_t)_mm_extract_epi32(lane->cdgh, 0);
	}
}

USES_SHA static void take_two(struct verity_sha256_state *states,
			      const uint8_t *const *messages, size_t chunks)
{
	struct pair pair;

	pair_begin(&pair, states, messages);
	for (size_t taken = 0; taken < chunks; taken++) {
		pair_keep(&pair, 2);
#pragma GCC unroll 16
		for (int quad = 0; quad < QUADS; quad++)
			take_quad(pair.lanes, quad, pair.next);
		pair_add(&pair);
	}
	pair_end(&pair, states);
}

USES_MORE static void take_four(struct verity_sha256_state *states,
				const uint8_t *const *messages, size_t chunks)
{
	struct pair a, b;

	pair_begin(&a, states, messages);
	pair_begin(&b, states + 2, messages + 2);
	for (size_t taken = 0; taken < chunks; taken++) {
		pair_keep(&a, 4);
		pair_keep(&b, 4);
#pragma GCC unroll 16
		for (int quad = 0; quad < QUADS; quad++) {
			take_quad(a.lanes, quad, a.next);
			take_quad(b.lanes, quad, b.next);
		}
		pair_add(&a);
		pair_add(&b);
	}
	pair_end(&a, states);
	pair_end(&b, states + 2);
}

#undef INLINE
#define LANES     8
#define TARGET    __attribute__((target("avx512vl,avx512bw")))
#define NAME(any) avx512_##any
#include "verity/hashtree/sha256_vectors.h"
#undef TARGET
#undef NAME
#define TARGET    __attribute__((target("avx2")))
#define NAME(any) avx2_##any
#include "verity/hashtree/sha256_vectors.h"
#undef LANES
#undef TARGET
#undef NAME
#define LANES 4
#define TARGET
#define NAME(any) sse2_##any
#include "verity/hashtree/sha256_vectors.h"

const struct verity_sha256_kind verity_sha256_kinds[SHA256_KINDS_MAX + 1] = {
	{"SHA and AVX-512", 4, has_sha_and_avx512, take_four},
	{"SHA", 2, has_sha, take_two},
	{"AVX-512", 8, has_avx512, avx512_take},
	{"AVX2", 8, has_avx2, avx2_take},
	{"SSE2", 4, has_sse2, sse2_take},
	{.lanes = 0},
};
