/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * The lines of the audit log that belong to one step over several packages: kept in
 * PERSIST/wmopkg before the step, and written once its changes are made. So they are
 * there exactly once, also where the process was killed, or power failed, in between.
 *
 * What makes the step names the digest of this record: of a step that was not made, and
 * of another one, nothing is written. Like the log itself it is not signed.
 */

#include "overlay/record/audit_line.h"
#include "verity/format/manifest.h"

#define OVERLAY_AUDIT_STEP_BYTES (2 * 1024 * 1024)
#define OVERLAY_AUDIT_STEP_MAX   2048 /* lines */

/* One line; texts are "" where there is none. Plain data. */
struct overlay_audit_step_line {
	enum overlay_audit_event event;
	struct overlay_entry package; /* no name: it is about none */
	char version[VERITY_VERSION_MAX + 1];
	char verdict[OVERLAY_AUDIT_WORD_MAX + 1];
	uint8_t id[VERITY_DIGEST_BYTES];
	size_t id_bytes; /* 0: there is none */
	char signer[OVERLAY_AUDIT_SIGNER_MAX + 1];
	char source[OVERLAY_AUDIT_SOURCE_MAX + 1];
	char detail[OVERLAY_AUDIT_DETAIL_MAX + 1];
	struct verity_error reason; /* why it is not trusted and yet allowed */
};

/* { 0 } is none. */
struct overlay_audit_step {
	char user[OVERLAY_AUDIT_USER_MAX + 1]; /* who asked for it */
	int64_t time;                          /* device time of the step */
	uint64_t after;                        /* the newest line before it; 0: none */
	struct overlay_audit_step_line *lines; /* owned */
	size_t count;
};

void overlay_audit_step_free(struct overlay_audit_step *step);

/**
 * overlay_audit_step_decode - read the record
 * @ret: overlay_audit_step_free(); set on success only
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int overlay_audit_step_decode(const void *bytes, size_t size,
			      struct overlay_audit_step *ret,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_step_keep - keep the lines of a step that is about to be made
 * @record_fd: PERSIST/wmopkg
 * @now:       device time
 * @user:      who asks
 * @entries:   without a count
 * @ret:       digest of the record
 *
 * Return: 0 when it is durable; -E2BIG; -errno.
 */
int overlay_audit_step_keep(int record_fd, int64_t now, const char *user,
			    const struct overlay_audit_entry *entries, size_t count,
			    uint8_t ret[static VERITY_DIGEST_BYTES],
			    struct verity_error *err) must_check;

/**
 * overlay_audit_step_finish - write those lines of a step that are not in the log yet
 * @max_bytes: as in overlay_audit_open()
 * @digest:    of the record
 *
 * For who finds a step that was cut off. They have the user and the time of the step.
 *
 * Return: 0, also where the record is not there, or is another one; -EBUSY; -errno.
 */
int overlay_audit_step_finish(int record_fd, size_t max_bytes,
			      const uint8_t digest[static VERITY_DIGEST_BYTES],
			      struct verity_error *err) must_check;

/**
 * overlay_audit_step_forget - the lines are written
 */
int overlay_audit_step_forget(int record_fd, struct verity_error *err) must_check;
