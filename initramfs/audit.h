/* SPDX-License-Identifier: MIT */
#pragma once

/* The lines that a boot adds to the audit log. */

#include "initramfs/packages.h"
#include "overlay/record/audit.h"

/**
 * audit_begin - count this boot
 * @record_fd: PERSIST/wmopkg; -1: there is none, and nothing is written
 * @now:       device time, seconds since 1970
 *
 * Return: the log, for audit_end(); NULL where there is none, and then the reason is in
 * the kernel log.
 */
struct overlay_audit *audit_begin(int record_fd, size_t max_bytes, int64_t now);

/**
 * audit_end - write what this boot did, all at once; frees @audit
 *
 * One line for the boot. Where it did anything else than the boot before, also one for
 * each package, as far as there is space for one boot, and one for all files together
 * that are no packages.
 *
 * @refused: why it ended before it read any package; NULL
 */
void audit_end(struct overlay_audit *audit, const struct packages *packages,
	       const struct verity_error *refused);
