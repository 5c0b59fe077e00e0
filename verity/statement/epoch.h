/* SPDX-License-Identifier: MIT */
#pragma once

/* The epochs that packages have. */

#include <stdint.h>

/* What was run cannot be read now: only the highest epoch is known to be new enough. */
#define VERITY_EPOCH_UNKNOWN UINT32_MAX
