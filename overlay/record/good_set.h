/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The last good set: the packages that were active in the last boot that was completed.
 * Kept on PERSIST as JSON. It is a hint: it says which packages come first in line where
 * there is not enough time or memory for all, and lets none in.
 */

#include "overlay/record/state.h"

#define OVERLAY_GOOD_MAX       512         /* packages */
#define OVERLAY_GOOD_BYTES_MAX (256 << 10) /* of the file */

struct overlay_good {
	struct overlay_entry entry;
	char identity[VERITY_NAME_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES];
};

/* Plain data; { 0 } is empty. */
struct overlay_good_set {
	struct overlay_good *items; /* owned */
	size_t count;
};

/**
 * overlay_good_take - the set after a boot that was completed
 * @state:  what the boot did
 * @before: the set until now
 * @ret:    what was active, and what of @before the boot could not use for a limit, a
 *          careful boot or a setting; set on success only; overlay_good_free()
 */
int overlay_good_take(const struct overlay_state *state,
		      const struct overlay_good_set *before, struct overlay_good_set *ret,
		      struct verity_error *err) must_check;

/**
 * overlay_good_has - whether the set has this package, and not another one of its name
 * @identity, @root_hash: of its manifest
 */
bool overlay_good_has(const struct overlay_good_set *set,
		      const struct overlay_entry *entry, const char *identity,
		      const uint8_t root_hash[static VERITY_DIGEST_BYTES]);

bool overlay_good_equal(const struct overlay_good_set *a,
			const struct overlay_good_set *b);

/**
 * overlay_good_decode, overlay_good_encode - JSON text
 * @ret: set on success only; overlay_good_free(), free()
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int overlay_good_decode(const void *bytes, size_t size, struct overlay_good_set *ret,
			struct verity_error *err) must_check;
int overlay_good_encode(const struct overlay_good_set *set, char **ret,
			struct verity_error *err) must_check;

/**
 * overlay_good_load, overlay_good_store - PERSIST/wmopkg/good.json
 * @record_fd: -1: no records; then nothing is loaded, and storing fails
 *
 * Return: 0, also where there is no file yet; -EBADMSG; -errno.
 */
int overlay_good_load(int record_fd, struct overlay_good_set *ret,
		      struct verity_error *err) must_check;
int overlay_good_store(int record_fd, const struct overlay_good_set *set,
		       struct verity_error *err) must_check;

void overlay_good_free(struct overlay_good_set *set);
