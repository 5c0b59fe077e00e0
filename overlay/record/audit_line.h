/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * One line of the audit log, and the chain of them. Pure.
 *
 *	{"number":N,…,"prev":"HEX","digest":"HEX"}
 *
 * `digest` is the SHA-256 of the line's bytes up to the comma before `digest`; `prev` the
 * `digest` of the line before, zeros for the first of a chain.
 */

#include "overlay/config/config.h"
#include "overlay/store/store.h"
#include "verity/cms/cms.h"
#include "verity/util/error.h"
#include "verity/util/sizes.h"

#include <stdint.h>

#define OVERLAY_AUDIT_LINE_MAX   4096                     /* bytes, with the newline */
#define OVERLAY_AUDIT_NUMBER_MAX INT64_C(999999999999999) /* of lines and boots */

/* Most bytes of the texts of a line; longer ones are cut. */
#define OVERLAY_AUDIT_USER_MAX   64
#define OVERLAY_AUDIT_WORD_MAX   32 /* of names that are ours: verdict, event, code */
#define OVERLAY_AUDIT_SIGNER_MAX VERITY_SIGNER_MAX
#define OVERLAY_AUDIT_SOURCE_MAX 384
#define OVERLAY_AUDIT_DETAIL_MAX 192

#define OVERLAY_AUDIT_EVENTS(X)                                                          \
	X(BOOT, "boot") /* an activation begins */                                       \
	X(INSTALL, "install")                                                            \
	X(REMOVE, "remove")                                                              \
	X(UNDO, "undo")                                                                  \
	X(REFUSE, "refuse") /* at install or at boot */                                  \
	X(ACTIVATE, "activate")                                                          \
	X(QUARANTINE, "quarantine")                                                      \
	X(RETRY, "retry")                                                                \
	X(RESET, "factory-reset")                                                        \
	X(UNLOCK, "unlock")                                                              \
	X(UNLOCK_CLEAR, "unlock-clear")                                                  \
	X(DENYLIST, "denylist")                                                          \
	X(SET, "set")           /* the packages were made those of a set */              \
	X(UPDATE, "update")     /* packages were updated by a catalogue */               \
	X(BOOT_SET, "boot-set") /* the boot configuration was written */                 \
	X(REPEAT, "repeat")     /* refusals that were in the log already */              \
	X(LOST, "lost")         /* lines that could not be written */                    \
	X(BROKEN, "broken-log") /* the log was moved aside, a new chain begins */

enum overlay_audit_event {
#define X(event, name) OVERLAY_AUDIT_##event,
	OVERLAY_AUDIT_EVENTS(X)
#undef X
};

/* One event. Plain data, all borrowed; NULL and 0 where there is nothing to say. */
struct overlay_audit_entry {
	enum overlay_audit_event event;
	const struct overlay_entry *package;
	const char *version;
	const char *verdict;
	const uint8_t *id;  /* the package's, VERITY_DIGEST_BYTES */
	const char *signer; /* printed name */
	const char *source; /* where it came from, without passwords */
	const char *detail; /* number of a deny list, serial of an unlock, … */
	uint64_t count;     /* of what the line sums up */
	const struct verity_error *reason; /* of a refusal or quarantine */
};

/* What links a line to its neighbours. */
struct overlay_audit_link {
	uint64_t number; /* 1 for the first line ever; 0: no line */
	uint64_t boot;
	int64_t time;
	uint8_t prev[VERITY_DIGEST_BYTES];
	uint8_t digest[VERITY_DIGEST_BYTES];
};

/* What does not change from one line of an append to the next. */
struct overlay_audit_stamp {
	uint64_t boot;
	int64_t time; /* device time, seconds since 1970 */
	const char *user;
};

/**
 * overlay_audit_text_cut - length of a text, cut to @max bytes between two characters
 */
size_t overlay_audit_text_cut(const char *text, size_t max);

/**
 * overlay_audit_event_name - "install", …
 */
const char *overlay_audit_event_name(enum overlay_audit_event event);

/**
 * overlay_audit_line_encode - the line for an event, newline included
 * @number: of the line
 * @after: the line before in its ring; .number 0 where there is none
 * @ret:   0-terminated, OVERLAY_AUDIT_LINE_MAX bytes; texts are cut to make it fit
 * @ret_link: of the new line; may be @after
 *
 * Return: 0; -ENOMEM.
 */
int overlay_audit_line_encode(const struct overlay_audit_entry *entry,
			      const struct overlay_audit_stamp *stamp, uint64_t number,
			      const struct overlay_audit_link *after,
			      char ret[static OVERLAY_AUDIT_LINE_MAX + 1],
			      struct overlay_audit_link *ret_link,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_line_decode - the link of a line, its digest checked
 * @line: @size bytes, without the newline
 *
 * Return: 0; -EBADMSG (AUDIT) where it is not a line, or its digest does not match.
 */
int overlay_audit_line_decode(const char *line, size_t size,
			      struct overlay_audit_link *ret,
			      struct verity_error *err) must_check;

/**
 * overlay_audit_line_same - whether two lines tell the same, but for when
 * @a, @b: lines of this log; what is none is the same as nothing
 */
bool overlay_audit_line_same(const char *a, size_t a_size, const char *b, size_t b_size);

/* What a scan of one file's bytes found. */
struct overlay_audit_scan {
	struct overlay_audit_link first; /* .number 0 where there is no good line */
	struct overlay_audit_link last;
	size_t lines;
	size_t wanted_line;        /* which of them is the one that was wanted; from 1 */
	size_t good_bytes;         /* up to the end of the last good line */
	struct verity_error fault; /* of what follows; VERITY_OK: nothing does */
	bool torn;                 /* and it is what a power cut may leave */
};

/**
 * overlay_audit_scan - follow the chain through the bytes of one file
 * @after: the line that must come before; NULL where any may
 * @wanted: number of a line whose link is wanted
 * @ret_wanted: that link; .number 0 where it is not there
 */
void overlay_audit_scan(const char *bytes, size_t size,
			const struct overlay_audit_link *after, uint64_t wanted,
			struct overlay_audit_scan *ret,
			struct overlay_audit_link *ret_wanted);
