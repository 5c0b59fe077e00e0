/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The manifest: what a package says about itself. Decoded from untrusted bytes with
 * json-c, encoded with its keys in a fixed order, so that equal manifests are equal
 * bytes.
 */

#include "verity/format/format.h"
#include "verity/util/cleanup.h"
#include "verity/util/name.h"
#include "verity/util/sizes.h"

#include <stddef.h>

#define VERITY_VERSION_MAX     64      /* bytes */
#define VERITY_DESCRIPTION_MAX 256     /* bytes */
#define VERITY_GLOB_MAX        128     /* bytes of one `compatible` entry */
#define VERITY_GLOBS_MAX       64      /* entries of `compatible` */
#define VERITY_NEEDS_MAX       64      /* entries of `needs`, and of `conflicts_with` */
#define VERITY_KERNEL_SIG_MAX  16384   /* bytes, decoded */
#define VERITY_PRIORITY_MAX    1000000 /* and its negative */

enum verity_persistence {
	VERITY_PERSISTENT_ALLOWED,
	VERITY_PERSISTENT_REQUIRED,
	VERITY_PERSISTENT_FORBIDDEN,
};

/* Another package that it cannot be active without. Plain data. */
struct verity_need {
	char name[VERITY_NAME_MAX + 1];       /* its identity */
	char version[VERITY_VERSION_MAX + 1]; /* the oldest that does; "": any */
};

/* Plain data; the strings in it are printable UTF-8 without control characters. */
struct verity_manifest {
	char name[VERITY_NAME_MAX + 1]; /* the identity, not the installed name */
	char version[VERITY_VERSION_MAX + 1];
	char description[VERITY_DESCRIPTION_MAX + 1];

	uint64_t image_bytes; /* without the padding */
	uint8_t salt[VERITY_SALT_MAX];
	size_t salt_bytes;
	uint8_t root_hash[VERITY_DIGEST_BYTES];

	int priority; /* higher lies on top */
	uint32_t epoch;
	enum verity_persistence persistence;
	char (*compatible)[VERITY_GLOB_MAX + 1]; /* owned; NULL where there is none */
	size_t compatible_count;
	char firmware_min[VERITY_VERSION_MAX + 1]; /* "": none */
	char firmware_max[VERITY_VERSION_MAX + 1];
	struct verity_need *needs; /* owned; NULL where there is none */
	size_t needs_count;
	char (*conflicts)[VERITY_NAME_MAX + 1]; /* identities; likewise */
	size_t conflicts_count;
	int64_t built;             /* seconds since 1970; -1: not given */
	uint8_t *kernel_signature; /* owned; NULL where there is none */
	size_t kernel_signature_bytes;
};

/**
 * verity_manifest_decode - read a manifest
 * @bytes: @size bytes of UTF-8, not 0-terminated
 * @ret:   set on success only; free with verity_manifest_free()
 *
 * Return: 0; -EBADMSG where it is not JSON, a value is missing or outside its limits, or
 * it requires a feature that this program does not know; -ENOMEM.
 */
int verity_manifest_decode(const void *bytes, size_t size, struct verity_manifest **ret,
			   struct verity_error *err) must_check;

/**
 * verity_manifest_encode - write a manifest
 * @ret: 0-terminated JSON text, set on success only; free()
 *
 * Return: 0; -EBADMSG where the manifest breaks a limit; -ENOMEM.
 */
int verity_manifest_encode(const struct verity_manifest *manifest, char **ret,
			   struct verity_error *err) must_check;

#define VERITY_NEED_BYTES (VERITY_NAME_MAX + VERITY_VERSION_MAX + 3) /* with its end */

/**
 * verity_need_parse - read "NAME" or "NAME>=VERSION", without blanks
 * @text: NULL is not one
 * @ret:  set on success only
 */
bool verity_need_parse(const char *text, struct verity_need *ret) must_check;

/**
 * verity_need_format - the text that verity_need_parse() reads
 */
void verity_need_format(const struct verity_need *need,
			char ret[static VERITY_NEED_BYTES]);

struct verity_json_writer;

/**
 * verity_manifest_put_limits - add what a manifest asks of a device and of its other
 * packages to the object that is open: `compatible`, `firmware`, `needs` and
 * `conflicts_with`, where it asks for anything
 */
void verity_manifest_put_limits(struct verity_json_writer *json,
				const struct verity_manifest *manifest);

struct verity_json_reader;
struct json_object;

/**
 * verity_manifest_get_limits - read the same keys of an object into @manifest
 *
 * For .decode of a row of verity/util/json_table.h. @manifest is the caller's to clear on
 * failure, too.
 *
 * Return: 0; -EBADMSG; -ENOMEM.
 */
int verity_manifest_get_limits(struct verity_json_reader *reader,
			       struct json_object *object,
			       struct verity_manifest *manifest) must_check;

/**
 * verity_manifest_clear - free what @manifest owns, but not itself
 */
void verity_manifest_clear(struct verity_manifest *manifest);

void verity_manifest_free(struct verity_manifest *manifest);
DEFINE_CLEANUP(struct verity_manifest, verity_manifest_free);

const char *verity_persistence_name(enum verity_persistence persistence);
