/* SPDX-License-Identifier: MIT */
#pragma once

/* From bytes to one well-formed CMS SignedData; nothing is verified yet. */

#include <openssl/cms.h>

#include "verity/cms/parts.h"

/* What a SignedData signs. */
enum verity_cms_kind {
	VERITY_CMS_DATA,      /* plain data, detached */
	VERITY_CMS_TIMESTAMP, /* a TSTInfo (RFC 3161), enclosed */
};

/**
 * verity_cms_decode - read exactly one SignedData, to the last byte
 * @kind:      what must be signed
 * @ret_parts: its parts; points into @signature
 * @ret:       without certificates, which stay in @ret_parts until they are needed; set
 * on success only; CMS_ContentInfo_free()
 *
 * Distinguished encoding, version numbers, and the size and number of everything in it
 * must be as docs/format.md says.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -ENOMEM.
 */
int verity_cms_decode(const void *signature, size_t bytes, enum verity_cms_kind kind,
		      struct verity_cms_parts *ret_parts, CMS_ContentInfo **ret,
		      struct verity_error *err) must_check;
