/* SPDX-License-Identifier: MIT */
#pragma once

/* Failures that say nothing of what was asked for. */

#include <stdbool.h>

/**
 * verity_errno_passes - whether the next attempt may succeed
 * @r: -errno
 *
 * Memory or descriptors are missing, a call was interrupted, or a disk could not be read:
 * nothing is to be decided as if what was looked for were not there.
 */
bool verity_errno_passes(int r);
