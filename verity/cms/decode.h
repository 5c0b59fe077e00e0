/* SPDX-License-Identifier: MIT */
#pragma once

/* From bytes to one well-formed, detached CMS SignedData; nothing is verified yet. */

#include <openssl/cms.h>
#include <stddef.h>

#include "verity/util/error.h"

/**
 * verity_cms_decode - read exactly one SignedData, to the last byte
 * @ret: set on success only; CMS_ContentInfo_free()
 *
 * Distinguished encoding, version numbers, and the number of signers and certificates
 * must be as docs/format.md says.
 *
 * Return: 0; -EBADMSG (BAD_SIGNATURE).
 */
int verity_cms_decode(const void *signature, size_t bytes, CMS_ContentInfo **ret,
		      struct verity_error *err) must_check;
