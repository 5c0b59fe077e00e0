/* SPDX-License-Identifier: MIT */

/*
 * Salted blocks of 4 KiB, hashed by OpenSSL and by ourselves with each kind of
 * instructions that this processor has: one thread, the same buffer, taking turns. Prints
 * a line each: name, MB/s of the median turn, MB/s of the fastest.
 */

#include <err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "verity/hashtree/hash_lanes.h"

#define BLOCKS     32 /* in the second level cache, as when a package is read */
#define ROUNDS     200
#define TURNS      51
#define SALT_BYTES 32

static uint8_t blocks[BLOCKS * VERITY_BLOCK] __attribute__((aligned(4096)));
static uint8_t salt[SALT_BYTES];
static uint8_t digests[2][BLOCKS][VERITY_DIGEST_BYTES]; /* OpenSSL's, ours */

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void openssl(const struct verity_sha256_kind *kind)
{
	static EVP_MD *sha256;
	static EVP_MD_CTX *context;

	(void)kind;
	if (!sha256) {
		sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
		context = EVP_MD_CTX_new();
	}
	for (size_t i = 0; i < BLOCKS; i++)
		if (EVP_DigestInit_ex2(context, sha256, NULL) != 1 ||
		    EVP_DigestUpdate(context, salt, sizeof(salt)) != 1 ||
		    EVP_DigestUpdate(context, blocks + i * VERITY_BLOCK, VERITY_BLOCK) !=
			    1 ||
		    EVP_DigestFinal_ex(context, digests[0][i], NULL) != 1)
			errx(1, "OpenSSL could not hash a block");
}

static void ours(const struct verity_sha256_kind *kind)
{
	const struct verity_hash_lanes hash =
		verity_hash_lanes_begin(kind, salt, sizeof(salt));

	for (size_t i = 0; i < BLOCKS; i += kind->lanes)
		verity_hash_lanes_blocks(&hash, kind, blocks + i * VERITY_BLOCK,
					 digests[1] + i);
}

struct side {
	const char *name;
	const struct verity_sha256_kind *kind; /* NULL: OpenSSL */
	double seconds[TURNS];
};

static void take_turn(struct side *side, size_t turn)
{
	double start = now_s();

	for (unsigned i = 0; i < ROUNDS; i++)
		(side->kind ? ours : openssl)(side->kind);
	side->seconds[turn] = now_s() - start;
	if (side->kind && memcmp(digests[0], digests[1], sizeof(digests[0])) != 0)
		errx(1, "%s: not what OpenSSL says", side->name);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static struct side sides[1 + SHA256_KINDS_MAX] = {{.name = "OpenSSL"}};
	const double megabytes = (double)ROUNDS * sizeof(blocks) / 1e6;
	size_t count = 1;

	for (const struct verity_sha256_kind *kind = verity_sha256_kinds; kind->lanes;
	     kind++)
		if (kind->present())
			sides[count++] = (struct side){.name = kind->name, .kind = kind};
	for (size_t i = 0; i < sizeof(blocks); i++)
		blocks[i] = (uint8_t)(i * 2654435761U >> 13);
	memset(salt, 1, sizeof(salt));
	for (size_t turn = 0; turn < TURNS; turn++)
		for (size_t i = 0; i < count; i++)
			take_turn(&sides[i], turn);
	for (size_t i = 0; i < count; i++) {
		qsort(sides[i].seconds, TURNS, sizeof(double), compare);
		printf("%s: %.0f %.0f\n", sides[i].name,
		       megabytes / sides[i].seconds[TURNS / 2],
		       megabytes / sides[i].seconds[0]);
	}
	return 0;
}
