/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What this device does not go below: the epoch of each package name, the time, and the
 * number of the deny list; and which unlock statements are spent. Kept on PERSIST as
 * JSON.
 *
 * Nothing there is signed, so it is a hint: it may keep packages out for a while, and
 * never for good. Epochs are proven by signed packages (overlay/record/proofs.h), which
 * .proven asks; those in the file are what firmware before that has written, and they
 * go with the next boot that is completed.
 */

#include "verity/util/name.h"
#include "verity/util/sizes.h"

#include <stddef.h>
#include <stdint.h>

#define VERITY_FLOORS_MAX 4096                  /* names */
#define VERITY_SPENT_MAX  256                   /* unlock statements */
#define VERITY_TIME_MAX   INT64_C(253402300799) /* 9999-12-31 23:59:59 UTC */

struct verity_floor {
	char name[VERITY_NAME_MAX + 1];
	uint32_t epoch;
};

/* Plain data; { 0 } is a device that has run nothing. */
struct verity_floors {
	int64_t time;                /* seconds since 1970 */
	uint32_t denylist;           /* number; 0: none was ever in force */
	struct verity_floor *epochs; /* owned, by name; epochs of 0 are not kept */
	size_t count;
	uint8_t (*spent)[VERITY_DIGEST_BYTES]; /* owned; the oldest first */
	size_t spent_count;

	/* The floor of @name that is proven; 0: none. Not kept here. NULL: none is. */
	uint32_t (*proven)(const void *context, const char *name);
	const void *context; /* borrowed */
};

/**
 * verity_floors_decode - read JSON text
 * @ret: filled on success only; verity_floors_free()
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int verity_floors_decode(const void *bytes, size_t size, struct verity_floors *ret,
			 struct verity_error *err) must_check;

/**
 * verity_floors_encode - write JSON text
 * @ret: 0-terminated, set on success only; free()
 */
int verity_floors_encode(const struct verity_floors *floors, char **ret,
			 struct verity_error *err) must_check;

/**
 * verity_floors_epoch - the floor of @name, proven or kept; 0 where there is none
 * @floors: NULL has none
 */
uint32_t verity_floors_epoch(const struct verity_floors *floors, const char *name);

/**
 * verity_floors_raise_denylist - raise the floor of deny lists, never lower it
 *
 * Return: whether it rose.
 */
bool verity_floors_raise_denylist(struct verity_floors *floors, uint32_t number);

/**
 * verity_floors_spend - remember an unlock statement as spent; of VERITY_SPENT_MAX the
 * oldest is forgotten
 * @digest: verity_unlock_digest()
 *
 * Return: 1; 0 where it was spent already; -ENOMEM.
 */
int verity_floors_spend(struct verity_floors *floors,
			const uint8_t digest[static VERITY_DIGEST_BYTES],
			struct verity_error *err) must_check;

bool verity_floors_is_spent(const struct verity_floors *floors,
			    const uint8_t digest[static VERITY_DIGEST_BYTES]);

/**
 * verity_floors_drop - forget epochs and time, of which nothing kept here is proven
 */
void verity_floors_drop(struct verity_floors *floors);

void verity_floors_free(struct verity_floors *floors);
