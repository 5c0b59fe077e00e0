/* SPDX-License-Identifier: MIT */
#pragma once

/* A set: the document that says which packages a device is to have. See docs/sets.md. */

#include <stdint.h>

#include "verity/format/format.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define PACKAGE_SET_BYTES_MAX (256 * 1024)
#define PACKAGE_SET_MAX       256
#define SET_SOURCE_MAX        1023
#define PACKAGE_SET_LATEST    "latest" /* for a version */

/* One package. Plain data. */
struct set_package {
	char name[VERITY_NAME_MAX + 1];  /* installed name; "": that of the file */
	char source[SET_SOURCE_MAX + 1]; /* URL or path; "": it is there already */
	/* "": whichever the source has; PACKAGE_SET_LATEST: that, but no older one */
	char version[VERITY_VERSION_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES];
	size_t root_hash_bytes; /* 0: any */
	bool persistent;
};

/* { 0 } is an empty one. */
struct package_set {
	struct set_package *packages; /* owned; each has a name, and no two the same */
	size_t count;
	bool keep; /* installed packages that it does not name stay */
};

/**
 * package_set_decode - read a set
 * @ret: package_set_free(); set on success only
 *
 * Return: 0; -EINVAL (BAD_SET) with what is wrong; -ENOMEM.
 */
int package_set_decode(const void *bytes, size_t size, struct package_set *ret,
		       struct verity_error *err) must_check;

/**
 * set_package_is_latest - whether it is replaced by newer versions only
 */
bool set_package_is_latest(const struct set_package *package);

void package_set_free(struct package_set *set);
