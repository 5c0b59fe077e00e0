/* SPDX-License-Identifier: MIT */
#pragma once

/* Which keys may sign. */

#include <openssl/evp.h>

/**
 * verity_cms_key_bits_min - fewest bits of a key of this type; 0 where that is not what
 * its strength is told by
 * @key: NULL: one that cannot be read
 */
int verity_cms_key_bits_min(const EVP_PKEY *key);
