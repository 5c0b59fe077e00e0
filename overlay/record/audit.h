/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The audit log: PERSIST/wmopkg/audit.log, one JSON object a line, each with the digest
 * of the line before and its own, so that a line that is changed, removed or moved shows.
 * When it is full it becomes audit.log.1, which takes the place of an older one, and the
 * chain goes on. audit.head keeps where the log ends, so that a log whose end was cut off
 * shows as well. docs/audit.md is its schema.
 *
 * Power may fail at any point: a line is there as a whole or not at all. A log that was
 * changed by anything else never stops a line from being added: it is moved aside, to
 * audit.log.broken, and a new chain begins, which says so.
 */

#include "overlay/record/audit_line.h"

#include <stdio.h>

struct overlay_audit;

/**
 * overlay_audit_open - the log, to add to
 * @record_fd: PERSIST/wmopkg; borrowed, must outlive it; -1: lines go nowhere
 * @max_bytes: of each of the two files
 * @now:       device time, seconds since 1970
 * @user:      who asks: a login name, "boot"; copied
 * @ret:       set on success only; free with overlay_audit_free()
 */
int overlay_audit_open(int record_fd, size_t max_bytes, int64_t now, const char *user,
		       struct overlay_audit **ret, struct verity_error *err) must_check;

void overlay_audit_free(struct overlay_audit *audit);

/**
 * overlay_audit_begin_boot - count this boot; once a boot, by wmopkg-activate
 *
 * Return: 0; -errno.
 */
int overlay_audit_begin_boot(struct overlay_audit *audit,
			     struct verity_error *err) must_check;

/**
 * overlay_audit_boot - number of this boot, 0 before the first was counted
 */
uint64_t overlay_audit_boot(const struct overlay_audit *audit);

/**
 * overlay_audit_append - add lines, for good when this returns 0
 *
 * All of them cost one write and three syncs. Programs that add wait for each other, up
 * to some seconds.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_audit_append(struct overlay_audit *audit,
			 const struct overlay_audit_entry *entries, size_t count,
			 struct verity_error *err) must_check;

/**
 * overlay_audit_last - the line that @audit added last, to be logged where nothing on
 * this device can change it
 * @ret_digest: its digest, in hex; "" where there is none
 *
 * Return: its number; 0 where none was added.
 */
uint64_t overlay_audit_last(const struct overlay_audit *audit,
			    char ret_digest[static 2 * VERITY_DIGEST_BYTES + 1]);

/* What a check found. Plain data. */
struct overlay_audit_check {
	uint64_t lines;
	uint64_t first; /* number of the oldest line that is kept */
	uint64_t last;
};

/**
 * overlay_audit_verify - check the log's chain
 *
 * Return: 0; -EBADMSG (AUDIT): a line was changed, removed or moved; the message says
 * which; -ENOENT where there is no log; -errno.
 */
int overlay_audit_verify(int record_fd, struct overlay_audit_check *ret,
			 struct verity_error *err) must_check;

/**
 * overlay_audit_print - all lines that are kept, the oldest first
 * @json: as they stand; otherwise in columns, 80 wide, for people
 *
 * What is no line is left out: overlay_audit_verify() says where it is.
 *
 * Return: 0; -ENOENT where there is no log; -errno.
 */
int overlay_audit_print(int record_fd, bool json, FILE *out,
			struct verity_error *err) must_check;
