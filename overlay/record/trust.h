/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Whom and what this device trusts now: the policy of both the installer and the boot,
 * made in one place from the configuration, the boot configuration, the key ring, and the
 * records on PERSIST (floors, deny list, unlock statement, quarantine).
 */

#include "overlay/config/anchor.h"
#include "overlay/config/bootconf.h"
#include "overlay/config/config.h"
#include "overlay/config/identity.h"
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
 * notes. A deny list whose signer is not in the key ring any more stays in force.
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
 */
int64_t overlay_trust_time(const struct overlay_trust *trust);

/**
 * overlay_trust_unlock - the unlock statement of this device; borrowed; NULL: none
 */
const struct verity_unlock *overlay_trust_unlock(const struct overlay_trust *trust);

/**
 * overlay_trust_seen - remember what a package proves, to be written by
 * overlay_trust_keep()
 * @ran: whether it is part of the running stack, so that its epoch becomes a floor
 *
 * Of a package whose signature is not trusted nothing is remembered.
 */
int overlay_trust_seen(struct overlay_trust *trust,
		       const struct verity_judgement *judgement, bool ran,
		       struct verity_error *err) must_check;

/**
 * overlay_trust_keep - write the floors where they rose
 *
 * What other programs have raised meanwhile stays raised. A damaged record becomes
 * floors.json.broken.
 *
 * Return: 0; -EBUSY; -errno.
 */
int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err) must_check;

/**
 * overlay_trust_set_unlock - install an unlock statement that is for this device and day
 * @bytes: of its file
 *
 * Where its signing time cannot be kept, the next overlay_trust_keep() fails.
 *
 * Return: 0 when it is durable; as verity_unlock_read() and verity_unlock_check();
 * -ENOENT (NOT_FOUND) without PERSIST.
 */
int overlay_trust_set_unlock(struct overlay_trust *trust, const void *bytes, size_t size,
			     struct verity_error *err) must_check;

/**
 * overlay_trust_clear_unlock - delete the unlock statement
 *
 * Return: 1; 0 where there was none; -errno.
 */
int overlay_trust_clear_unlock(struct overlay_trust *trust,
			       struct verity_error *err) must_check;

/**
 * overlay_trust_set_denylist - put a deny list in force
 *
 * Where its number cannot be kept among the floors, the next overlay_trust_keep() fails.
 *
 * Return: 1; 0 where it is in force already; as verity_denylist_read(); -EPERM
 * (OLD_DENYLIST) where its number is not above the one in force; -ENOENT without PERSIST.
 */
int overlay_trust_set_denylist(struct overlay_trust *trust, const void *bytes,
			       size_t size, struct verity_error *err) must_check;
