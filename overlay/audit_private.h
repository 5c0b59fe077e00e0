/* SPDX-License-Identifier: MIT */
#pragma once

/* What adding to the log and checking it share. */

#include "overlay/audit_head.h"

/* Both files as they are now, held to their chain. */
struct overlay_audit_files {
	char *old; /* owned; NULL where there is none, like the next */
	char *log;
	size_t old_bytes;
	size_t log_bytes;
	struct overlay_audit_scan old_scan;
	struct overlay_audit_scan scan;
	struct overlay_audit_link last_link; /* of the line that the head calls last */
};

/**
 * overlay_audit_read - read both files and follow their chain
 * @last: number of the last line, from the head; 0: none
 *
 * A file of more than the limit is a fault of the scan.
 *
 * Return: 0; -ENOMEM; -errno.
 */
int overlay_audit_read(int record_fd, uint64_t last, struct overlay_audit_files *ret,
		       struct verity_error *err) must_check;

void overlay_audit_files_free(struct overlay_audit_files *files);

/**
 * overlay_audit_check_files - whether they are what the head says was written
 *
 * Lines after the last that the head knows of were added when the power was cut, and a
 * line that was begun then is no line.
 *
 * Return: 0; -EBADMSG (AUDIT) with file and line in the message.
 */
int overlay_audit_check_files(const struct overlay_audit_files *files,
			      const struct overlay_audit_head *head,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_lock - wait for other programs that use the log
 * @ret: to be closed
 *
 * Return: 0; -EBUSY after some seconds; -errno.
 */
int overlay_audit_lock(int record_fd, bool shared, int *ret,
		       struct verity_error *err) must_check;
