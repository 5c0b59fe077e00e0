/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * audit.head: where each ring of the log begins and ends, so that a log that was cut
 * short shows. Its `check` is the SHA-256 of its bytes up to the comma before `check`. A
 * head of format 1, which older versions wrote, knows only the ring of changes.
 */

#include "overlay/record/audit_line.h"

#define OVERLAY_AUDIT_ASIDE ".broken" /* what is put behind a name */
#define OVERLAY_AUDIT_HEAD  "audit.head"

/*
 * Lines that must be kept long are apart from those that each boot, or a program that
 * tries again and again, can add: no number of the latter pushes one of the former out.
 */
enum overlay_audit_ring {
	OVERLAY_AUDIT_CHANGES, /* what was done, with packages, statements and settings */
	OVERLAY_AUDIT_REFUSALS, /* by commands */
	OVERLAY_AUDIT_BOOTS,    /* what each boot found */
	OVERLAY_AUDIT_RINGS,
};

/* Of one ring. .last 0: it has no line yet. */
struct overlay_audit_end {
	uint64_t first; /* line that must be there, and those after it */
	uint64_t last;  /* line that was added last */
	uint8_t digest[VERITY_DIGEST_BYTES]; /* of that line */
	uint64_t dropped;                    /* lines that made room for newer ones */
	uint64_t dropped_last;               /* number of the newest of them */
	int64_t dropped_time;
};

/* Plain data. */
struct overlay_audit_head {
	uint64_t boot; /* number of this boot */
	uint64_t last; /* highest number of a line that was ever used */
	struct overlay_audit_end rings[OVERLAY_AUDIT_RINGS];
	uint64_t recorded; /* the newest boot that has a line */
	uint64_t set_boot; /* the newest boot whose packages have lines; 0: none */
	uint8_t set[VERITY_DIGEST_BYTES]; /* of what it did with them */
	uint64_t repeats;     /* refusals since the newest one that the log had already */
	int64_t repeats_time; /* of the newest of them */
	uint64_t lost;        /* lines that could not be written */
};

/**
 * overlay_audit_head_decode - read JSON text
 *
 * Return: 0; -EBADMSG (AUDIT); -ENOMEM.
 */
int overlay_audit_head_decode(const char *text, size_t size,
			      struct overlay_audit_head *ret,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_head_load, overlay_audit_head_store - the file
 *
 * On a volume that has no space for a second one, it is written in place.
 *
 * Return: 0; -ENOENT where there is none; -EBADMSG (AUDIT); -errno.
 */
int overlay_audit_head_load(int record_fd, struct overlay_audit_head *ret,
			    struct verity_error *err) must_check;
int overlay_audit_head_store(int record_fd, const struct overlay_audit_head *head,
			     struct verity_error *err) must_check;
