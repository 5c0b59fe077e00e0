/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * A set: the document that says which packages a device is to have. From root it needs no
 * signature; a signed one is a statement. See docs/sets.md.
 */

#include <stdint.h>

#include "verity/cms/cms.h"
#include "verity/format/format.h"
#include "verity/format/manifest.h"
#include "verity/util/cleanup.h"
#include "verity/util/error.h"

#define VERITY_PACKAGE_SET_BYTES_MAX (256 * 1024)
#define VERITY_PACKAGE_SET_MAX       256
#define VERITY_SET_SOURCE_MAX        1023
#define VERITY_PACKAGE_SET_LATEST    "latest" /* for a version */

struct verity_catalog_entry;

/* One package. Plain data. */
struct verity_set_package {
	char name[VERITY_NAME_MAX + 1];         /* installed name; "": that of the file */
	char source[VERITY_SET_SOURCE_MAX + 1]; /* URL or path; "": it is there already */
	/* "": whichever the source has; VERITY_PACKAGE_SET_LATEST: that, but no older one
	 */
	char version[VERITY_VERSION_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES];
	size_t root_hash_bytes; /* 0: any */
	bool persistent;
	/* That the package must be exactly; NULL: any. Borrowed; not in the document */
	const struct verity_catalog_entry *published;
};

/* { 0 } is an empty one. */
struct verity_package_set {
	struct verity_set_package
		*packages; /* owned; each has a name, and no two the same */
	size_t count;
	bool keep;       /* installed packages that it does not name stay */
	uint32_t number; /* of a signed one, which only rises; 0: it has none */
	char (*compatible)[VERITY_GLOB_MAX + 1]; /* owned; the models that it is for */
	size_t compatible_count;                 /* 0: all */
	bool of_catalog;                         /* it was made of one, not by a person */
};

/* Opaque: made only of a signed statement, by verity_signed_set_read(). */
struct verity_signed_set;

struct json_object;
struct verity_denylist;
struct verity_json_writer;

/**
 * verity_package_set_decode - read a set
 * @ret: verity_package_set_free(); set on success only
 *
 * Return: 0; -EINVAL (BAD_SET) with what is wrong; -ENOMEM.
 */
int verity_package_set_decode(const void *bytes, size_t size,
			      struct verity_package_set *ret,
			      struct verity_error *err) must_check;

/**
 * verity_set_package_is_latest - whether it is replaced by newer versions only
 */
bool verity_set_package_is_latest(const struct verity_set_package *package);

void verity_package_set_free(struct verity_package_set *set);

/**
 * verity_package_set_decode_object - read the JSON object of a statement of this type,
 * whoever signed it: nothing may be decided by it
 * @ret: verity_package_set_free(); set on success only
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT); -ENOMEM.
 */
int verity_package_set_decode_object(struct json_object *object,
				     struct verity_package_set *ret,
				     struct verity_error *err) must_check;

/**
 * verity_package_set_encode - the JSON text of a set, to be signed
 * @ret: 0-terminated, set on success only; free()
 *
 * Return: 0; -EBADMSG (BAD_STATEMENT) where verity_package_set_decode_object() would
 * refuse it; -ENOMEM.
 */
int verity_package_set_encode(const struct verity_package_set *set, char **ret,
			      struct verity_error *err) must_check;

/**
 * verity_package_set_put - add its keys to the object that is open
 */
void verity_package_set_put(struct verity_json_writer *json,
			    const struct verity_package_set *set);

/**
 * verity_signed_set_read - a set from the bytes of its statement file
 * @denylist: may deny the key of the signer; NULL: none
 * @ret:      set on success only; verity_signed_set_free()
 *
 * The signer's certificate must be for packages.
 *
 * Return: 0; as verity_statement_verify(); -EKEYREVOKED (REVOKED); -EBADMSG
 * (BAD_STATEMENT).
 */
int verity_signed_set_read(const void *bytes, size_t size,
			   const struct verity_keyring *keyring,
			   const struct verity_denylist *denylist,
			   struct verity_signed_set **ret,
			   struct verity_error *err) must_check;

void verity_signed_set_free(struct verity_signed_set *set);
DEFINE_CLEANUP(struct verity_signed_set, verity_signed_set_free);

/**
 * verity_signed_set_content, verity_signed_set_signer, verity_signed_set_digest - what it
 * says, who signed it, and the digest of its text, which names it; borrowed
 */
const struct verity_package_set *verity_signed_set_content(
	const struct verity_signed_set *set);
const struct verity_signer *verity_signed_set_signer(const struct verity_signed_set *set);
const uint8_t *verity_signed_set_digest(const struct verity_signed_set *set);
