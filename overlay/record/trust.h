/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whom and what this device trusts now: the policy of both the installer and the boot,
 * made in one place from the configuration, the boot configuration, the key ring, and the
 * records on PERSIST (floors, deny list, unlock statement, quarantine).
 *
 * What a record holds counts as follows, and a new record must be one of these:
 *
 *	signed by a key of the ring  believed: deny list, unlock statement, proofs
 *	not signed                   a hint: it may take rights away, until something that
 *	                             is signed, or a completed boot, says otherwise
 */

#include "overlay/config/anchor.h"
#include "overlay/config/bootconf.h"
#include "overlay/config/config.h"
#include "overlay/config/identity.h"
#include "overlay/record/state.h"
#include "overlay/store/store.h"
#include "verity/package/judge.h"
#include "verity/statement/unlock.h"
#include "verity/util/cleanup.h"

#define OVERLAY_TRUST_NOTES_MAX 8

/* What trust is made from. Plain data; borrowed for the call only. */
struct overlay_trust_inputs {
	const struct overlay_config *config;
	const struct overlay_bootconf *bootconf;
	const struct overlay_identity *identity;
	int record_fd; /* PERSIST/wmopkg; -1: there is none, and nothing is remembered */
	int64_t clock; /* the system's, seconds since 1970 */
};

struct overlay_trust;

/**
 * overlay_trust_load - make the policy of this device
 * @ret: set on success only; free with overlay_trust_free()
 *
 * A key ring or record that cannot be read trusts and allows nothing, and is among the
 * notes. A deny list whose signer is not in the key ring stays in force until one that
 * the key ring vouches for takes its place.
 *
 * Return: 0; -ENOMEM; -EMFILE.
 */
int overlay_trust_load(const struct overlay_trust_inputs *inputs,
		       struct overlay_trust **ret, struct verity_error *err) must_check;

void overlay_trust_free(struct overlay_trust *trust);
DEFINE_CLEANUP(struct overlay_trust, overlay_trust_free);

/**
 * overlay_trust_policy - the policy for the judge; borrowed
 *
 * .threads, .refuse_early and .lazy are the caller's to set, in a copy. .keyring is NULL
 * where it cannot be read, .denylist where none is in force.
 */
const struct verity_policy *overlay_trust_policy(const struct overlay_trust *trust);

/**
 * overlay_trust_notes - what failed, and what a person should know: each a code and a
 * sentence
 *
 * Return: borrowed; *@ret_count of them.
 */
const struct verity_error *overlay_trust_notes(const struct overlay_trust *trust,
					       size_t *ret_count);

/**
 * overlay_trust_lost - the record of what was denied or cleared that is there and cannot
 * be read, or a deny list that was in force and is missing
 *
 * What it forbids is not known. A boot goes on without it, unless `require_persist` of
 * the configuration says otherwise.
 *
 * Return: borrowed; NULL where there is none.
 */
const struct verity_error *overlay_trust_lost(const struct overlay_trust *trust);

/**
 * overlay_trust_unread - whether a record could not be read for a reason that passes
 *
 * A boot goes on without it; a command can be typed again.
 *
 * Return: 0; -errno.
 */
int overlay_trust_unread(const struct overlay_trust *trust,
			 struct verity_error *err) must_check;

/**
 * overlay_trust_locked - why Allow Untrusted, which the boot configuration asks for, does
 * not count: the hardware anchor, and no unlock statement that is for this device and day
 *
 * Return: borrowed; NULL where it counts, or is not asked for.
 */
const struct verity_error *overlay_trust_locked(const struct overlay_trust *trust);

/**
 * overlay_trust_anchor - whether there is a hardware anchor, and what shows it; borrowed
 */
const struct overlay_anchor_result *overlay_trust_anchor(
	const struct overlay_trust *trust);

/**
 * overlay_trust_time - device time: the later of clock and time floor, seconds since 1970
 *
 * Neither is believed where it is later than a firmware gets old (overlay_config_latest):
 * a clock that was wrong once must not expire every unlock statement.
 */
int64_t overlay_trust_time(const struct overlay_trust *trust);

/**
 * overlay_trust_unlock - the unlock statement of this device; borrowed; NULL: none
 */
const struct verity_unlock *overlay_trust_unlock(const struct overlay_trust *trust);

/**
 * overlay_trust_complete - remember what the packages of a completed boot prove
 * @store: what is installed
 * @state: what this boot did
 *
 * The epoch and the signing time of each active package that is signed for this device
 * become floors. One that was replaced or removed since the boot proves nothing. What
 * firmware before that noted without a proof is forgotten.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_trust_complete(struct overlay_trust *trust, const struct overlay_store *store,
			   const struct overlay_state *state,
			   struct verity_error *err) must_check;

/**
 * overlay_trust_keep - write what a power cut, or another failure, left unwritten: the
 * number of the deny list in force, and the second copy of it
 *
 * What other programs have written meanwhile stays. A damaged record becomes
 * floors.json.broken, and a list that takes the place of one in force denylist.broken.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err) must_check;

/**
 * overlay_trust_set_unlock - install an unlock statement that is for this device and day
 * @bytes: of its file
 *
 * Return: 0 when it is durable; as verity_unlock_read() and verity_unlock_check(); -EPERM
 * (SPENT) where it was cleared; -ENOENT (NOT_FOUND) without PERSIST.
 */
int overlay_trust_set_unlock(struct overlay_trust *trust, const void *bytes, size_t size,
			     struct verity_error *err) must_check;

/**
 * overlay_trust_clear_unlock - delete the unlock statement, for good: this one is never
 * accepted again
 * @ret_unspent: why it is deleted but not remembered, so that a copy of it would be
 *               accepted; code VERITY_OK where there is nothing to say
 *
 * Return: 1; 0 where there was none; -errno.
 */
int overlay_trust_clear_unlock(struct overlay_trust *trust,
			       struct verity_error *ret_unspent,
			       struct verity_error *err) must_check;

/**
 * overlay_trust_set_denylist - put a deny list in force
 * @ret_replaced: what a person should know of what it takes the place of; code VERITY_OK
 *                where there is nothing to say
 *
 * Its number must be above that of the list in force where the key ring vouches for that
 * one. A higher number that is only remembered, or of a list nobody vouches for, is no
 * reason to refuse it: whoever writes PERSIST could write such a number.
 *
 * Where its number cannot be kept among the floors, the next overlay_trust_keep() fails.
 *
 * Return: 1; 0 where it is in force already; as verity_denylist_read(); -EPERM
 * (OLD_DENYLIST); -ENOENT without PERSIST.
 */
int overlay_trust_set_denylist(struct overlay_trust *trust, const void *bytes,
			       size_t size, struct verity_error *ret_replaced,
			       struct verity_error *err) must_check;
