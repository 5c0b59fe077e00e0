/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Trials: a package that is new or changed is on trial until a boot with it was
 * completed (`wmopkg boot-complete`). After three boots in a row that were not, those on
 * trial are quarantined; if it goes on, all that are not persistent; then all. Planned
 * purely; kept on PERSIST as JSON.
 */

#include "overlay/store.h"
#include "verity/quarantine.h"

#define OVERLAY_TRIALS_BOOTS 3    /* that may fail in a row */
#define OVERLAY_TRIALS_MAX   2048 /* packages */

enum overlay_trial_state {
	OVERLAY_TRIAL_RUNNING,     /* has not been part of a completed boot */
	OVERLAY_TRIAL_PASSED,      /* has */
	OVERLAY_TRIAL_QUARANTINED, /* not active until retry or a reinstall */
};

struct overlay_trial {
	uint8_t id[VERITY_DIGEST_BYTES]; /* verity_judgement_id() */
	struct overlay_entry entry;      /* as it was installed */
	enum overlay_trial_state state;
};

/* Plain data; { 0 } is a device that has run nothing. */
struct overlay_trials {
	unsigned incomplete;         /* boots since the last one that was completed */
	struct overlay_trial *items; /* owned */
	size_t count;
};

int overlay_trials_decode(const void *bytes, size_t size, struct overlay_trials *ret,
			  struct verity_error *err) must_check;
int overlay_trials_encode(const struct overlay_trials *trials, char **ret,
			  struct verity_error *err) must_check;
void overlay_trials_free(struct overlay_trials *trials);

/**
 * overlay_trials_load, overlay_trials_store - PERSIST/wmopkg/trials.json
 * @record_fd: -1: none; then nothing is loaded, and storing fails
 *
 * Return: 0, also where there is no file yet; -EBADMSG; -errno.
 */
int overlay_trials_load(int record_fd, struct overlay_trials *ret,
			struct verity_error *err) must_check;
int overlay_trials_store(int record_fd, const struct overlay_trials *trials,
			 struct verity_error *err) must_check;

/**
 * overlay_trials_quarantine - the ids that are quarantined
 * @ret: .ids is the caller's to free()
 */
int overlay_trials_quarantine(const struct overlay_trials *trials,
			      struct verity_quarantine *ret,
			      struct verity_error *err) must_check;

/* A package that this boot is going to activate. */
struct overlay_candidate {
	uint8_t id[VERITY_DIGEST_BYTES];
	struct overlay_entry entry;
	bool quarantined; /* set by overlay_trials_begin(): leave it out */
};

/**
 * overlay_trials_begin - a boot begins with these packages
 * @trials: changed: the boot is counted, new packages are put on trial, packages that are
 *          not there any more forgotten; to be stored before anything is activated
 *
 * Return: how many candidates were quarantined now; -ENOMEM.
 */
int overlay_trials_begin(struct overlay_trials *trials,
			 struct overlay_candidate *candidates, size_t count,
			 struct verity_error *err) must_check;

/**
 * overlay_trials_complete - the boot was completed: whoever was on trial has passed
 *
 * Return: whether anything changed.
 */
bool overlay_trials_complete(struct overlay_trials *trials);

/**
 * overlay_trials_forget - a package was installed anew, or is to be tried again
 * @name: installed name
 *
 * Return: how many were quarantined under it.
 */
size_t overlay_trials_forget(struct overlay_trials *trials, const char *name);
