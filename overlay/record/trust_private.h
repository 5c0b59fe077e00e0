/* SPDX-License-Identifier: MIT */
#pragma once

/* What trust is made of; for its tests. */

#include "overlay/record/allowance.h"
#include "overlay/record/proofs.h"
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
	bool denylist_whole; /* it is what lies on PERSIST, twice */
	struct verity_unlock *unlock;
	struct verity_quarantine quarantine; /* .ids is ours */
	struct verity_floors floors;
	struct overlay_proofs proofs;
	bool floors_changed; /* since they were read */
	bool number_set;     /* that of the deny list, whatever other programs kept */
	bool unproven_over;  /* a boot was completed: what is not proven is to go */
	int64_t clock;
	int64_t built; /* of the firmware */
	int64_t time_floor;

	bool asked; /* for Allow Untrusted, by the boot configuration */
	struct overlay_anchor_result anchor;
	struct overlay_allowance allowance;
	struct verity_error notes[OVERLAY_TRUST_NOTES_MAX];
	size_t note_count;
	struct verity_error lost; /* see overlay_trust_lost() */
	int unread;               /* likewise; -errno */
	struct verity_error why_unread;
};
