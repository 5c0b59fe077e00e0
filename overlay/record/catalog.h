/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The newest catalogue that this device has seen: kept as the vendor signed it, and
 * verified each time it is used, so that its number cannot be forged. What a server said
 * of it, to ask whether it is still the newest, is a hint.
 */

#include "verity/package/judge.h"
#include "verity/statement/catalog.h"

#define OVERLAY_CATALOG_VERSION_MAX 255 /* bytes */

/* Plain data; { 0 } is none. */
struct overlay_catalog_seen {
	uint8_t place[VERITY_DIGEST_BYTES]; /* SHA-256 of the URL that it came from */
	char version[OVERLAY_CATALOG_VERSION_MAX + 1]; /* what identifies it there */
	uint8_t digest[VERITY_DIGEST_BYTES];           /* of the file; set when kept */
};

/**
 * overlay_catalog_load - the catalogue that is kept
 * @record_fd: -1: nothing is
 * @policy:    key ring and deny list
 * @ret:       verity_catalog_free(); NULL where there is none that the key ring vouches
 *             for, which the next one replaces
 * @ret_seen:  what is known of it; { 0 } where that does not belong to it
 *
 * Return: 0; -ENOMEM.
 */
int overlay_catalog_load(int record_fd, const struct verity_policy *policy,
			 struct verity_catalog **ret,
			 struct overlay_catalog_seen *ret_seen,
			 struct verity_error *err) must_check;

/**
 * overlay_catalog_keep - keep a catalogue, unless a newer one of its channel is kept
 * @bytes: its file
 * @seen:  place and version
 *
 * Return: 0, also without PERSIST: then nothing is remembered; -EBUSY; -errno.
 */
int overlay_catalog_keep(int record_fd, const struct verity_policy *policy,
			 const struct verity_catalog *catalog, const void *bytes,
			 size_t size, const struct overlay_catalog_seen *seen,
			 struct verity_error *err) must_check;

/**
 * overlay_catalog_seen_decode - read the record of what a server said
 *
 * Return: 0; -EBADMSG (BAD_RECORD).
 */
int overlay_catalog_seen_decode(const void *bytes, size_t size,
				struct overlay_catalog_seen *ret,
				struct verity_error *err) must_check;
