/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * audit.head: where the log begins and ends, so that a log that was cut short shows. Its
 * `check` is the SHA-256 of its bytes up to the comma before `check`.
 */

#include "overlay/record/audit_line.h"

#define OVERLAY_AUDIT_LOG   "audit.log"
#define OVERLAY_AUDIT_OLD   "audit.log.1"
#define OVERLAY_AUDIT_ASIDE ".broken" /* what is put behind a name */
#define OVERLAY_AUDIT_HEAD  "audit.head"

/* Plain data. Before the first line of a chain, .first is the number it is to have. */
struct overlay_audit_head {
	uint64_t boot;  /* number of this boot */
	uint64_t first; /* line that must be there, and those after it */
	uint64_t last;  /* line that was added last; below .first: none yet */
	uint8_t digest[VERITY_DIGEST_BYTES]; /* of that line */
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
 * Return: 0; -ENOENT where there is none; -EBADMSG (AUDIT); -errno.
 */
int overlay_audit_head_load(int record_fd, struct overlay_audit_head *ret,
			    struct verity_error *err) must_check;
int overlay_audit_head_store(int record_fd, const struct overlay_audit_head *head,
			     struct verity_error *err) must_check;
