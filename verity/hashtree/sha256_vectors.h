/* SPDX-License-Identifier: MIT */

/*
 * SHA-256 on vectors, each message in one element of all of them: nothing but what every
 * vector unit has. No #pragma once: it is included for each kind of vector, with
 *
 * LANES:     how many elements of 32 bits one has
 * TARGET:    the attribute of functions that may use it
 * NAME(any): a name of this kind; what is defined is NAME(take)
 */

#define VECTOR NAME(vector)
#define INLINE TARGET static inline __attribute__((always_inline))

typedef uint32_t VECTOR __attribute__((vector_size(4 * LANES)));

/* By how many bits to the right. */
#ifndef ROTATE
#if defined(__aarch64__) || defined(__arm__)
/* Two instructions: gcc and clang make three of shifts. */
#define ROTATE(x, bits)                                                                  \
	((VECTOR)vsriq_n_u32(vshlq_n_u32((uint32x4_t)(x), 32 - (bits)), (uint32x4_t)(x), \
			     bits))
#else
#define ROTATE(x, bits) ((x) >> (bits) | (x) << (32 - (bits)))
#endif
#endif

/* One word of each message. */
INLINE VECTOR NAME(load)(const uint8_t *const *messages, size_t offset)
{
	uint32_t words[LANES];
	VECTOR ret;

#pragma GCC unroll 8
	for (int i = 0; i < LANES; i++) {
		memcpy(&words[i], messages[i] + offset, sizeof(words[i]));
		words[i] = be32toh(words[i]);
	}
	memcpy(&ret, words, sizeof(ret));
	return ret;
}

/* Word @t of the schedule, in place of that 16 before it. */
INLINE VECTOR NAME(schedule)(VECTOR w[16], unsigned t)
{
	const VECTOR a = w[(t + 1) % 16], b = w[(t + 14) % 16];

	w[t % 16] += (ROTATE(a, 7) ^ ROTATE(a, 18) ^ a >> 3) + w[(t + 9) % 16] +
		     (ROTATE(b, 17) ^ ROTATE(b, 19) ^ b >> 10);
	return w[t % 16];
}

/* Round @t; the variables, a to h, move by one place in each. */
INLINE void NAME(round)(VECTOR state[8], unsigned t, VECTOR word)
{
#define AT(place) state[((place)-t) % 8]
	const VECTOR a = AT(0U), b = AT(1U), c = AT(2U);
	const VECTOR e = AT(4U), f = AT(5U), g = AT(6U);
	const VECTOR sum_a = ROTATE(a, 2) ^ ROTATE(a, 13) ^ ROTATE(a, 22);
	const VECTOR sum_e = ROTATE(e, 6) ^ ROTATE(e, 11) ^ ROTATE(e, 25);

	word += AT(7U) + sum_e + (g ^ (e & (f ^ g)));
	AT(3U) += word;
	AT(7U) = word + sum_a + ((a & b) | (c & (a | b)));
#undef AT
}

TARGET static void NAME(take)(struct verity_sha256_state *states,
			      const uint8_t *const *messages, size_t chunks)
{
	const uint32_t *k = verity_sha256_k;
	const uint8_t *next[LANES];
	VECTOR before[8], state[8], w[16];

	for (int i = 0; i < LANES; i++) {
		next[i] = messages[i];
		for (int word = 0; word < 8; word++)
			before[word][i] = states[i].words[word];
	}
	for (size_t taken = 0; taken < chunks; taken++) {
		memcpy(state, before, sizeof(state));
#pragma GCC unroll 16
		for (unsigned t = 0; t < 16; t++) {
			w[t] = NAME(load)(next, 4 * (size_t)t);
			NAME(round)(state, t, w[t] + k[t]);
		}
		for (unsigned done = 16; done < 64; done += 16) {
#pragma GCC unroll 16
			for (unsigned t = 0; t < 16; t++)
				NAME(round)
			(state, t, NAME(schedule)(w, t) + k[done + t]);
		}
		for (int word = 0; word < 8; word++)
			before[word] += state[word];
		for (int i = 0; i < LANES; i++) {
			verity_sha256_ahead(next[i], LANES);
			next[i] += SHA256_CHUNK_BYTES;
		}
	}
	for (int i = 0; i < LANES; i++)
		for (int word = 0; word < 8; word++)
			states[i].words[word] = before[word][i];
}

#undef VECTOR
#undef INLINE
