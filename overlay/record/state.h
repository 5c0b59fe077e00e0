/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * RUN/state.json: what this boot did with each package, why, and when. Written by
 * wmopkg-activate, read by `wmopkg show`. An interface: docs/state.md is its schema.
 */

#include "overlay/config/anchor.h"
#include "overlay/config/identity.h"
#include "overlay/fs/clock.h"
#include "overlay/store/survey.h"
#include "verity/package/judge.h"

#define OVERLAY_STATE_FILE "state.json"
#define OVERLAY_STATE_MAX  (6 << 20) /* bytes read */

/* Which file it was: enough to tell that it has been changed or replaced since. */
struct overlay_file_id {
	uint64_t inode;
	uint64_t bytes;
	int64_t changed_ns; /* status change time, ns since 1970 */
};

struct overlay_state_entry {
	struct overlay_entry entry;
	struct overlay_file_id file;
	char identity[VERITY_NAME_MAX + 1]; /* the manifest's name; "" where unreadable */
	char version[VERITY_VERSION_MAX + 1];
	char description[VERITY_DESCRIPTION_MAX + 1];
	uint8_t root_hash[VERITY_DIGEST_BYTES]; /* zeros where unreadable */
	enum verity_verdict verdict;
	bool active;
	struct verity_error reason; /* why not active, or why not plainly Signed */
	struct overlay_span judging;
	struct overlay_span attaching;
};

struct overlay_state {
	struct overlay_state_entry *entries; /* owned */
	size_t count;
	struct overlay_unlisted unlisted[2]; /* by enum overlay_store_kind */
	bool safe;                  /* booted with wmopkg.safe: nothing was activated */
	bool allow_untrusted;       /* asked for, and it counts */
	struct verity_error locked; /* why it was asked for and does not; or VERITY_OK */
	struct overlay_anchor_result anchor;
	struct overlay_identity identity; /* what the firmware says this device is */
	uint64_t boot;                    /* number of this boot; 0: not known */
	uint32_t denylist;                /* number of the one in force; 0: none */
	struct verity_error
		stack; /* why the stack as a whole failed; code VERITY_OK: it did not */
	struct overlay_span steps[OVERLAY_STEPS]; /* by enum overlay_step */
};

/**
 * overlay_state_is_junk - whether a file is no package at all, and not only one that is
 * refused: nothing of it could be read as a manifest
 * @identity: "" where unreadable
 */
bool overlay_state_is_junk(enum verity_verdict verdict, const char *identity,
			   enum verity_code code);

struct stat;

/**
 * overlay_file_id_take - the id of a file of which this was found
 */
void overlay_file_id_take(const struct stat *st, struct overlay_file_id *ret);

/**
 * overlay_file_id_get - the id of an open file
 */
int overlay_file_id_get(int fd, struct overlay_file_id *ret,
			struct verity_error *err) must_check;

bool overlay_file_id_equal(const struct overlay_file_id *a,
			   const struct overlay_file_id *b);

/**
 * overlay_state_encode - the state as JSON text
 * @ret: set on success only; free()
 */
int overlay_state_encode(const struct overlay_state *state, char **ret,
			 struct verity_error *err) must_check;

/**
 * overlay_state_decode - read JSON text
 * @ret: filled on success only; overlay_state_free()
 *
 * Return: 0; -EBADMSG; -ENOMEM.
 */
int overlay_state_decode(const char *text, size_t size, struct overlay_state *ret,
			 struct verity_error *err) must_check;

/**
 * overlay_state_write - write RUN/state.json, whole or not at all; makes the folder
 */
int overlay_state_write(const char *run, const struct overlay_state *state,
			struct verity_error *err) must_check;

/**
 * overlay_state_read - read RUN/state.json
 *
 * Return: 0; -ENOENT where this boot activated nothing (no wmopkg-activate ran);
 * -EBADMSG.
 */
int overlay_state_read(const char *run, struct overlay_state *ret,
		       struct verity_error *err) must_check;

void overlay_state_free(struct overlay_state *state);

/**
 * overlay_state_find - the entry of @name in the store @kind; NULL where there is none
 */
const struct overlay_state_entry *overlay_state_find(const struct overlay_state *state,
						     const struct overlay_entry *entry);
