/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Trials: a package that is new or changed is on trial until a boot with it was completed
 * (`wmopkg boot-complete`). Each package counts the boots in a row that it was part of
 * and that were not completed. When those on trial reach the limit, they are suspects,
 * and are left out; the others get as many boots again without them. If boots still fail,
 * all packages that are not persistent are suspects, too; then all.
 *
 * Once a boot without the suspects was completed, they are told apart: half of those that
 * are accused, which are the ones that failed together, are part of a boot. If it is
 * completed, these have passed. If not, they are accused, and no other. One that fails
 * with no other suspect is quarantined, if a boot without it is completed after that;
 * then the others come back. One ordinary package that is the only one on trial is
 * quarantined at once.
 *
 * Planned purely; kept on PERSIST as JSON.
 */

#include "overlay/record/state.h"
#include "overlay/store/store.h"
#include "verity/statement/quarantine.h"

#define OVERLAY_TRIALS_ROUNDS    5         /* times that many: all are quarantined */
#define OVERLAY_TRIALS_COUNT_MAX 1000      /* as far as is counted */
#define OVERLAY_TRIALS_MAX       2048      /* packages */
#define OVERLAY_TRIALS_BYTES_MAX (1 << 20) /* of the file */

#define OVERLAY_TRIALS_CONFIRM 2 /* boots with it that fail while it is told apart */

/* What is tried to find the package that stops the boot. */
enum overlay_trials_search {
	OVERLAY_SEARCH_NONE,
	OVERLAY_SEARCH_WITHOUT, /* all suspects are left out, until a boot is completed */
	OVERLAY_SEARCH_HALVES,  /* they are told apart */
};

enum overlay_suspicion {
	OVERLAY_SUSPICION_NONE,
	OVERLAY_SUSPICION_SUSPECT,
	OVERLAY_SUSPICION_ACCUSED, /* one of the fewest that failed together */
	OVERLAY_SUSPICION_ALONE,   /* it failed often enough, with no other suspect */
};

enum overlay_trial_state {
	OVERLAY_TRIAL_RUNNING,     /* has not been part of a completed boot */
	OVERLAY_TRIAL_PASSED,      /* has been part of one */
	OVERLAY_TRIAL_QUARANTINED, /* not active until retry or a reinstall */
};

struct overlay_trial {
	uint8_t id[VERITY_DIGEST_BYTES]; /* struct verity_judgement */
	struct overlay_entry entry;      /* as it was installed */
	enum overlay_trial_state state;
	unsigned incomplete; /* boots in a row with it that were not completed; of a
				suspect: since it is one */
	bool ran;            /* it was part of the last boot that activated any */
	enum overlay_suspicion suspicion;
};

/* Plain data; { 0 } is a device that has run nothing. */
struct overlay_trials {
	bool completed;  /* a boot of this device ever was */
	bool idle;       /* the last boot activated nothing */
	unsigned failed; /* boots in a row, of no other packages, not completed */
	enum overlay_trials_search search;
	/*
	 * The newest line of the audit log in the last completed boot; 0 and "": none, or
	 * a number that no log gets to: whoever writes on PERSIST could end the log by
	 * it.
	 */
	uint64_t audit_number;
	char audit_digest[2 * VERITY_DIGEST_BYTES + 1];
	uint64_t mark_ignored;       /* what was read instead of 0; never written */
	struct overlay_trial *items; /* owned; one for each entry */
	size_t count;
};

/**
 * overlay_trials_decode - read JSON text
 * @ret: filled on success only; overlay_trials_free()
 *
 * Return: 0; -EBADMSG (BAD_RECORD); -ENOMEM.
 */
int overlay_trials_decode(const void *bytes, size_t size, struct overlay_trials *ret,
			  struct verity_error *err) must_check;

/**
 * overlay_trials_encode - write JSON text
 * @ret: 0-terminated, set on success only; free()
 */
int overlay_trials_encode(const struct overlay_trials *trials, char **ret,
			  struct verity_error *err) must_check;

void overlay_trials_free(struct overlay_trials *trials);

/**
 * overlay_trials_load, overlay_trials_store - PERSIST/wmopkg/trials.json
 * @record_fd: -1: no records; then nothing is loaded, and storing fails
 *
 * Return: 0, also where there is no file yet; -EBADMSG; -errno.
 */
int overlay_trials_load(int record_fd, struct overlay_trials *ret,
			struct verity_error *err) must_check;
int overlay_trials_store(int record_fd, const struct overlay_trials *trials,
			 struct verity_error *err) must_check;

/**
 * overlay_trials_lock - lock the trials from load to store, after waiting for other
 * programs
 * @record_fd: -1: no records; then @ret is -1
 * @ret:       closing it unlocks; set on success only
 *
 * Return: 0; -EBUSY after some seconds; -errno.
 */
int overlay_trials_lock(int record_fd, int *ret, struct verity_error *err) must_check;

/**
 * overlay_trials_quarantine - the ids that are quarantined
 * @ret: .ids is the caller's to free()
 */
int overlay_trials_quarantine(const struct overlay_trials *trials,
			      struct verity_quarantine *ret,
			      struct verity_error *err) must_check;

/* An installed package. */
struct overlay_candidate {
	uint8_t id[VERITY_DIGEST_BYTES]; /* all zero where it cannot be read */
	struct overlay_entry entry;
	bool active;    /* this boot is going to activate it */
	bool required;  /* the device must not start without it: it is never left out */
	unsigned depth; /* what it needs has a lower one; see struct overlay_related */

	/* Set by overlay_trials_begin(): leave it out. */
	bool quarantined;
	bool suspect; /* of this boot */
};

/* What a boot begins with. */
struct overlay_trials_boot {
	struct overlay_candidate *candidates; /* all that is installed; borrowed */
	size_t count;
	/*
	 * By enum overlay_store_kind: the store was read, so what is not among the
	 * candidates is not installed any more.
	 */
	bool listed[2];
	unsigned limit; /* boots in a row that may fail; above 0 */
};

/**
 * overlay_trials_begin - a boot begins
 * @trials: changed on success only: the boot is counted for all packages that it is going
 *          to activate, a new or changed package is put on trial, a package that is not
 *          installed any more is deleted; to be stored before anything is activated
 *
 * A package that was removed, or left out by the boot configuration, since the last boot
 * may have been the cause: then the others count from 0. A boot that activates nothing
 * counts for no package and resets no count; so it makes no difference whether the cause
 * was removed in safe mode.
 *
 * Storage that fails at times may leave packages out in turns, so that no package reaches
 * the limit. So the boots are also counted for all packages together: after
 * OVERLAY_TRIALS_ROUNDS times the limit, all that a boot would activate are suspects.
 *
 * What is required is never left out: that would keep the device from starting for good,
 * and some power cuts are enough for it. No boot without it could be completed either.
 *
 * Return: how many candidates were quarantined now; -ENOMEM; -E2BIG.
 */
int overlay_trials_begin(struct overlay_trials *trials,
			 const struct overlay_trials_boot *boot,
			 struct verity_error *err) must_check;

/**
 * overlay_trials_skip - after overlay_trials_begin(): this boot is going to be without it
 * after all, as it needs one that is left out; it is not counted for it
 */
void overlay_trials_skip(struct overlay_trials *trials,
			 const struct overlay_entry *entry);

/**
 * overlay_trials_incomplete - how many boots in a row were not completed, up to the last
 * one that activated any
 */
unsigned overlay_trials_incomplete(const struct overlay_trials *trials);

/**
 * overlay_trials_complete - this boot was completed: what was active in it has passed
 * @state: what this boot did. A package that could not be activated has not passed, and
 *         the boot is not counted for it
 *
 * Return: whether anything changed.
 */
bool overlay_trials_complete(struct overlay_trials *trials,
			     const struct overlay_state *state);

/**
 * overlay_trials_forget - a package was installed again, or is to be tried again
 * @name: installed name
 * @id:   of the package that was installed; NULL: only what is quarantined, or suspect,
 *        as @name
 *
 * The same package counts under whatever name it is quarantined.
 *
 * Return: how many that are quarantined or suspect were forgotten.
 */
size_t overlay_trials_forget(struct overlay_trials *trials, const char *name,
			     const uint8_t *id);
