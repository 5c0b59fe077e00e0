/* SPDX-License-Identifier: MIT */
#pragma once

/* Sizes and names that every room shares: blocks, digests, the limits of an image. */

#include <stdint.h>

#define VERITY_BLOCK          4096
#define VERITY_DIGEST_BYTES   32                   /* sha256 */
#define VERITY_SALT_MAX       256                  /* bytes, dm-verity's own limit */
#define VERITY_IMAGE_MAX      (UINT64_C(64) << 30) /* bytes; 4 MiB of upper tree levels */
#define VERITY_SIGNATURE_MAX  65536                /* bytes of a CMS signature */
#define VERITY_PACKAGE_SUFFIX ".wmopkg"
