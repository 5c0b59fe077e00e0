/* SPDX-License-Identifier: MIT */
#pragma once

/* From bytes to one well-formed, detached CMS SignedData; nothing is verified yet. */

#include <openssl/cms.h>

#include "verity/cms/parts.h"

/**
 * verity_cms_decode - read exactly one SignedData, to the last byte
 * @ret_parts: its parts; points into @signature
 * @ret:       without certificates, which stay in @ret_parts until they are needed; set
 * on success only; CMS_ContentInfo_free()
 *
 * Distinguished encoding, version numbers, and the size and number of everything in it
 * must be as docs/format.md says.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE); -ENOMEM.
 */
int verity_cms_decode(const void *signature, size_t bytes,
		      struct verity_cms_parts *ret_parts, CMS_ContentInfo **ret,
		      struct verity_error *err) must_check;
