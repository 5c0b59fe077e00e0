/* SPDX-License-Identifier: MIT */
#pragma once

/* Sizes and names that every room shares: blocks, digests, the limits of an image. */

#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#define VERITY_BLOCK          4096
#define VERITY_DIGEST_BYTES   32                   /* sha256 */
#define VERITY_SALT_MAX       256                  /* bytes, dm-verity's own limit */
#define VERITY_IMAGE_MAX      (UINT64_C(64) << 30) /* bytes; 4 MiB of upper tree levels */
#define VERITY_SIGNATURE_MAX  65536                /* bytes of a CMS signature */
#define VERITY_PACKAGE_SUFFIX ".wmopkg"

_Static_assert(sizeof(time_t) == 8, "a time_t of 32 bits ends in 2038");
_Static_assert(sizeof(off_t) == 8, "an off_t of 32 bits ends at 2 GiB");
