/* SPDX-License-Identifier: MIT */
#pragma once

/* The name of a key in deny lists: SHA-256 of its SubjectPublicKeyInfo (RFC 5280). */

#include "verity/cms/cms.h"

/**
 * verity_key_id_load - the id of the key of a certificate
 * @path: PEM file with exactly one certificate: one id too many would deny
 *        more than was meant
 *
 * Return: 0; -EINVAL (KEY); -errno.
 */
int verity_key_id_load(const char *path, uint8_t ret[static VERITY_KEY_ID_BYTES],
		       struct verity_error *err) must_check;
