/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The version numbers of CMS SignedData (RFC 5652 §5.1 and §5.3). No signature covers
 * them and OpenSSL looks at none of them, so they are held to what the rest of the
 * structure makes them: a signature has one encoding, and any flipped bit of it is seen.
 */

#include <stddef.h>
#include <stdint.h>

#include "verity/util/error.h"

/**
 * verity_cms_versions_check - whether every version number is the one it must be
 * @der: a ContentInfo that holds SignedData; anything else is refused
 *
 * Return: 0; -EBADMSG.
 */
int verity_cms_versions_check(const uint8_t *der, size_t size,
			      struct verity_error *err) must_check;
