/* SPDX-License-Identifier: MIT */
#pragma once

/* The signature of what has one already, or not yet: made, added to, or brought along. */

#include "installer/build/options.h"
#include "verity/format/manifest.h"

/* What to do with the present signature; strings are borrowed from the command line. */
struct build_resigning {
	struct build_signing signing;
	const char *signature; /* file of a signature made elsewhere; NULL: sign here */
	bool add;              /* beside the present signatures, not in their place */
};

/**
 * build_resign - the new signature of a manifest or statement
 * @present: its signature so far; of no bytes where there is none
 * @ret:     DER, set on success alone; free()
 *
 * One that was made elsewhere is taken where it is detached DER CMS over exactly @text,
 * and says who made it and when; whom it is trusted by is not asked.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE), -EINVAL (USAGE) where it is not that; as
 * verity_signing_key_load() and verity_cms_add().
 */
int build_resign(const struct build_resigning *resigning, const void *text,
		 size_t text_bytes, const void *present, size_t present_bytes,
		 uint8_t **ret, size_t *ret_bytes, struct verity_error *err) must_check;

/**
 * build_sign_root_hash - the signature over a root hash that the kernel asks for
 * @signing: only key, cert and pin_file count
 * @ret:     DER, set on success alone; free()
 */
int build_sign_root_hash(const struct build_signing *signing,
			 const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			 uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err) must_check;
