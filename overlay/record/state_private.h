/* SPDX-License-Identifier: MIT */
#pragma once

/* What the writer and the reader of the state share. */

#define OVERLAY_STATE_FORMAT       1
#define OVERLAY_STATE_PACKAGES_MAX 2048 /* entries; 6 MiB of them */
