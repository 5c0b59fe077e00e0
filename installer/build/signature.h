/* SPDX-License-Identifier: MIT */
#pragma once

/* The signature of a manifest or statement: made here, added, or made elsewhere. */

#include "installer/build/options.h"
#include "verity/format/manifest.h"

/**
 * build_signature_make - sign a manifest or statement
 * @ret: DER, set on success only; free(); NULL where @signing names no key
 *
 * Return: 0; as verity_signing_key_load() and verity_cms_sign().
 */
int build_signature_make(const struct build_signing *signing, const void *text,
			 size_t text_bytes, uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err) must_check;

/* What to do with the present signature; strings are borrowed from the command line. */
struct build_resigning {
	struct build_signing signing;
	const char *signature; /* file of a signature made elsewhere; NULL: sign here */
	const char *timestamp; /* file of a timestamp response to put in; NULL: none */
	bool add;              /* beside the present signatures, not in their place */
};

/**
 * build_signature_renew - the new signature of a manifest or statement that has one
 * @present: its signature so far; of no bytes where there is none
 * @ret:     DER, set on success only; free()
 *
 * A signature that was made elsewhere has to be a detached DER CMS over exactly @text
 * that says who made it and when. Whether a device trusts it is not checked.
 *
 * A timestamp response (RFC 3161) has to be for the present signature.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE) or -EINVAL (USAGE) for such a signature; as
 * verity_timestamp_add(),
 * verity_signing_key_load() and verity_cms_add().
 */
int build_signature_renew(const struct build_resigning *resigning, const void *text,
			  size_t text_bytes, const void *present, size_t present_bytes,
			  uint8_t **ret, size_t *ret_bytes,
			  struct verity_error *err) must_check;

/**
 * build_sign_root_hash - the signature of a root hash for the kernel's own check
 * @signing: only key, cert and pin_file count
 * @ret:     DER, set on success only; free()
 */
int build_sign_root_hash(const struct build_signing *signing,
			 const uint8_t root_hash[static VERITY_DIGEST_BYTES],
			 uint8_t **ret, size_t *ret_bytes,
			 struct verity_error *err) must_check;
