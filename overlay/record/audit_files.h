/* SPDX-License-Identifier: MIT */
#pragma once

/* audit.log.1 and audit.log: read, checked against the head, set aside. */

#include "overlay/record/audit_head.h"

/* Both files as they are now, and what a scan of their chain found. */
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
 * A file that is too long, a link, or cannot be read is a fault of the scan.
 *
 * Return: 0; -ENOMEM; -errno.
 */
int overlay_audit_read(int record_fd, uint64_t last, struct overlay_audit_files *ret,
		       struct verity_error *err) must_check;

void overlay_audit_files_free(struct overlay_audit_files *files);

/**
 * overlay_audit_oldest, overlay_audit_newest - first and last good line of both files;
 * borrowed; .number 0 where there is none
 */
const struct overlay_audit_link *overlay_audit_oldest(
	const struct overlay_audit_files *files);
const struct overlay_audit_link *overlay_audit_newest(
	const struct overlay_audit_files *files);

/**
 * overlay_audit_check_files - whether they are what the head says was written
 *
 * Lines after the last that the head knows of were added when the power was cut, as long
 * as they belong to the chain; a line that was begun then is no line.
 *
 * Return: 0; -EBADMSG (AUDIT) with file and line in the message.
 */
int overlay_audit_check_files(const struct overlay_audit_files *files,
			      const struct overlay_audit_head *head,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_set_aside - rename files that were changed, for an investigation
 *
 * One of each is kept. The head is moved only where it is not even a file.
 */
int overlay_audit_set_aside(int record_fd, struct verity_error *err) must_check;

/**
 * overlay_audit_aside - name of a file that was set aside; NULL where there is none
 */
const char *overlay_audit_aside(int record_fd);
