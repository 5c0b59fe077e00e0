/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The two files of each ring: read, checked against the head, set aside. The newer one
 * becomes the older one when it is full.
 */

#include "overlay/record/audit_head.h"

#define OVERLAY_AUDIT_LOG     "audit.log"
#define OVERLAY_AUDIT_REFUSED "audit.refusals"
#define OVERLAY_AUDIT_BOOTED  "audit.boots"
#define OVERLAY_AUDIT_OLDER   ".1" /* what is put behind the name of the older file */
#define OVERLAY_AUDIT_OLD     OVERLAY_AUDIT_LOG OVERLAY_AUDIT_OLDER

struct overlay_audit_names {
	const char *log;
	const char *old;
	unsigned shares;  /* of four that each of the two files has of `audit_bytes` */
	size_t bytes_max; /* of each that is read at all */
};

extern const struct overlay_audit_names overlay_audit_names[OVERLAY_AUDIT_RINGS];

/* Both files as they are now, and what a scan of their chain found. */
struct overlay_audit_files {
	const struct overlay_audit_names *names;
	char *old; /* owned; NULL where there is none, like the next */
	char *log;
	size_t old_bytes;
	size_t log_bytes;
	struct overlay_audit_scan old_scan;
	struct overlay_audit_scan scan;
	struct overlay_audit_link last_link; /* of the line that the head calls last */
};

/**
 * overlay_audit_read - read both files of a ring and follow their chain
 * @last: number of the last line, from the head; 0: none
 *
 * A file that is too long, a link, or cannot be read is a fault of the scan.
 *
 * Return: 0; -ENOMEM; -errno.
 */
int overlay_audit_read(int record_fd, enum overlay_audit_ring ring, uint64_t last,
		       struct overlay_audit_files *ret,
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
			      const struct overlay_audit_end *end,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_set_aside - rename files that were changed, for an investigation
 *
 * One of each is kept. The head is moved only where it is not even a file.
 */
int overlay_audit_set_aside(int record_fd, enum overlay_audit_ring ring,
			    struct verity_error *err) must_check;

/**
 * overlay_audit_aside - name of a file that was set aside; NULL where there is none
 */
const char *overlay_audit_aside(int record_fd);
