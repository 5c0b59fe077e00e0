/* SPDX-License-Identifier: MIT */
#pragma once

/* What a boot did, for the audit log. */

#include "initramfs/packages.h"
#include "overlay/record/audit.h"

/**
 * auditing_begin - count this boot
 * @record_fd: PERSIST/wmopkg; -1: none, and nothing is written
 * @now:       device time, seconds since 1970
 *
 * Return: the log, to be handed to auditing_end(); NULL where there is none, which the
 * kernel log then tells of.
 */
struct overlay_audit *auditing_begin(int record_fd, size_t max_bytes, int64_t now);

/**
 * auditing_end - one line for each package, all at once; frees @audit
 */
void auditing_end(struct overlay_audit *audit, const struct packages *packages);
