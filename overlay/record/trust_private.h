/* SPDX-License-Identifier: MIT */
#pragma once

/* The insides of trust, for the files that put it together and change it. */

#include "overlay/record/allowance.h"
#include "overlay/record/trust.h"
#include "verity/cms/keyring.h"

struct overlay_trust {
	struct verity_policy policy;
	struct overlay_identity identity;
	char required[OVERLAY_SIGNERS_MAX][VERITY_KEYRING_NAME_MAX + 1];
	const char *required_at[OVERLAY_SIGNERS_MAX];

	int record_fd; /* -1: nothing is remembered */
	struct verity_keyring *keyring;
	struct verity_denylist *denylist;
	struct verity_unlock *unlock;
	struct verity_quarantine quarantine; /* .ids is ours */
	struct verity_floors floors;
	bool floors_rose; /* since they were read */
	int64_t clock;

	bool asked;    /* for Allow Untrusted, by the boot configuration */
	bool anchored; /* a hardware anchor holds */
	struct overlay_allowance allowance;
	struct verity_error notes[OVERLAY_TRUST_NOTES_MAX];
	size_t note_count;
};

/**
 * overlay_trust_record - the whole of one record
 *
 * Return: as overlay_record_load(); -ENOENT also where there are no records at all.
 */
int overlay_trust_record(const struct overlay_trust *trust, const char *name, size_t max,
			 char **ret, size_t *ret_size,
			 struct verity_error *err) must_check;

/**
 * overlay_trust_see_time - a signing time counts where somebody we trust vouches for it
 */
void overlay_trust_see_time(struct overlay_trust *trust,
			    const struct verity_signer *signer);

/**
 * overlay_trust_load_floors - the floors that are kept
 * @ret: untouched where there are none, and on failure
 *
 * Return: 0, also where there are none; -errno.
 */
int overlay_trust_load_floors(const struct overlay_trust *trust,
			      struct verity_floors *ret,
			      struct verity_error *err) must_check;

/**
 * overlay_trust_refresh_floors - raise our floors to what others have raised them to
 * since
 * @ret_sound: false where what is kept is damaged, or of a newer format
 *
 * The records must be locked, as for the next one.
 *
 * Return: 0, also where it is not sound; -ENOMEM; -E2BIG; -errno where it cannot be told.
 */
int overlay_trust_refresh_floors(struct overlay_trust *trust, bool *ret_sound,
				 struct verity_error *err) must_check;

/**
 * overlay_trust_refresh - the floors, and the deny list, that others have put there since
 *
 * The records must be locked.
 *
 * Return: 0, also where these are damaged, and ours stay; -ENOMEM; -E2BIG; -errno.
 */
int overlay_trust_refresh(struct overlay_trust *trust,
			  struct verity_error *err) must_check;

/**
 * overlay_trust_keep_locked - overlay_trust_keep(), for who holds the lock
 */
int overlay_trust_keep_locked(struct overlay_trust *trust,
			      struct verity_error *err) must_check;

/**
 * overlay_trust_read_denylist - the deny list that is kept
 *
 * Return: as overlay_trust_record() and verity_denylist_read_kept().
 */
int overlay_trust_read_denylist(const struct overlay_trust *trust,
				struct verity_denylist **ret,
				struct verity_error *err) must_check;

/**
 * overlay_trust_take_denylist - go by this deny list from now on; it is ours then
 */
void overlay_trust_take_denylist(struct overlay_trust *trust,
				 struct verity_denylist *denylist);

/**
 * overlay_trust_see_denylist - the number and signing time of the list in force, whose
 * signer is trusted, are floors
 */
void overlay_trust_see_denylist(struct overlay_trust *trust);

/**
 * overlay_trust_load_unlock - read the unlock statement that is kept, if one is
 */
void overlay_trust_load_unlock(struct overlay_trust *trust);

/**
 * overlay_trust_decide - what is allowed, by all that is known now
 */
void overlay_trust_decide(struct overlay_trust *trust);
