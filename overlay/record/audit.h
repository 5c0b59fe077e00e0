/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The audit log: files in PERSIST/wmopkg, one JSON object a line, each with the digest of
 * the line before and its own, so that a line that is changed, removed or moved shows.
 * docs/audit.md is its schema.
 *
 * There are three rings of two files each: changes, refusals and boots. When a file is
 * full it becomes the older one of its ring, and the chain goes on. Their sizes are
 * fixed, so that what a boot or a program can add at will pushes nothing else out.
 * audit.head keeps where each ring ends, so that one whose end was cut off shows as well,
 * and the record of trials keeps the newest line of the last completed boot.
 *
 * Power may fail at any point: a line is there as a whole or not at all. A ring that was
 * changed by anything else never stops a line from being added: it is moved aside, to
 * NAME.broken, and a new chain begins, which says so. A line that finds no space is
 * counted.
 */

#include "overlay/record/audit_line.h"

#include <stdio.h>

struct overlay_audit;

/**
 * overlay_audit_open - the log, to add to
 * @record_fd: PERSIST/wmopkg; borrowed, must outlive it; -1: lines go nowhere
 * @max_bytes: half of what all files together may have
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

/* What a boot did. All borrowed. */
struct overlay_audit_boot {
	const struct overlay_audit_entry *entries; /* what matters most first */
	size_t count;
	uint8_t set[VERITY_DIGEST_BYTES]; /* the same where a boot did the same */
	const char *detail;               /* in a few words; may be NULL */
};

/**
 * overlay_audit_end_boot - add the lines of a boot, for good when this returns 0
 *
 * One line where a boot did the same as one whose lines are still there. Otherwise as
 * many lines as half a file takes; the others are counted in the last one.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_audit_end_boot(struct overlay_audit *audit,
			   const struct overlay_audit_boot *boot,
			   struct verity_error *err) must_check;

/**
 * overlay_audit_boot - number of this boot, 0 before the first was counted
 */
uint64_t overlay_audit_boot(const struct overlay_audit *audit);

/**
 * overlay_audit_append - add lines, for good when this returns 0
 *
 * All of them cost one write and three syncs. Programs that add wait for each other, up
 * to some seconds. A refusal that this boot has already logged is counted, and is no line
 * of its own.
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

/**
 * overlay_audit_mark - the newest line, to be noted where something else remembers it
 *
 * Return: 0; -ENOENT; -EBADMSG (AUDIT); -errno.
 */
int overlay_audit_mark(int record_fd, uint64_t *ret_number,
		       char ret_digest[static 2 * VERITY_DIGEST_BYTES + 1],
		       struct verity_error *err) must_check;

#define OVERLAY_AUDIT_RINGS_MAX 3

/* What a check found. Plain data. */
struct overlay_audit_check {
	uint64_t lines;
	uint64_t first; /* number of the oldest line that is kept */
	uint64_t last;
	struct overlay_audit_checked {
		const char *name; /* of its newer file */
		uint64_t lines;
		uint64_t first; /* from this one on it is whole; 0: no line */
		int64_t first_time;
		uint64_t dropped; /* lines before it, which made room for newer ones */
		uint64_t dropped_last; /* number of the newest of them */
		int64_t dropped_time;  /* 0: not known */
	} rings[OVERLAY_AUDIT_RINGS_MAX];
	size_t count;
	uint64_t repeats; /* refusals that are only counted yet */
	uint64_t lost;    /* lines that could not be written since */
};

/**
 * overlay_audit_verify - check the log's chain
 * @boot: number of this boot, from the state file; 0: not known
 *
 * Return: 0; -EBADMSG (AUDIT): a line was changed, removed or moved; the message says
 * which; -ENOENT where there is no log; -errno.
 */
int overlay_audit_verify(int record_fd, uint64_t boot, struct overlay_audit_check *ret,
			 struct verity_error *err) must_check;

struct json_object;

/**
 * overlay_audit_each - the lines that are kept, in order
 * @last: how many of the newest; SIZE_MAX: all
 * @take: called for a line of @size bytes; what it says is NULL for what is no line of
 *        the log
 *
 * Return: 0; -ENOENT where there is no log; -errno.
 */
int overlay_audit_each(int record_fd, size_t last, bool newest_first,
		       void (*take)(void *context, const char *line, size_t size,
				    struct json_object *object),
		       void *context, struct verity_error *err) must_check;

#define OVERLAY_AUDIT_TEXT_BYTES OVERLAY_AUDIT_LINE_MAX
#define OVERLAY_AUDIT_TIME_BYTES 32

/**
 * overlay_audit_get - a text of a line; borrowed; "" where the line does not have it
 */
const char *overlay_audit_get(struct json_object *object, const char *key);

/**
 * overlay_audit_describe - what happened, in the words of the commands; may be ""
 */
void overlay_audit_describe(struct json_object *object,
			    char ret[static OVERLAY_AUDIT_TEXT_BYTES]);

/**
 * overlay_audit_format_time - when, in UTC: "2026-01-31 12:00:00"
 */
void overlay_audit_format_time(struct json_object *object,
			       char ret[static OVERLAY_AUDIT_TIME_BYTES]);

/**
 * overlay_audit_print - all lines that are kept, the oldest first
 * @last: how many of the newest; SIZE_MAX: all
 * @json: as they stand; otherwise in columns, for people
 * @width: of a line, which is wrapped between words; 0: lines are not wrapped
 *
 * What is no line is left out: overlay_audit_verify() says where it is.
 *
 * Return: 0; -ENOENT where there is no log; -errno.
 */
int overlay_audit_print(int record_fd, bool json, size_t last, size_t width, FILE *out,
			struct verity_error *err) must_check;
