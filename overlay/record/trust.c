/* SPDX-License-Identifier: MIT */
#include "overlay/record/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/config/anchor.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "overlay/record/trust_private.h"
#include "verity/cms/keyring.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"

DEFINE_CLEANUP(struct overlay_trust, overlay_trust_free);

void overlay_trust_free(struct overlay_trust *trust)
{
	if (!trust)
		return;
	if (trust->record_fd >= 0)
		close(trust->record_fd);
	verity_denylist_free(trust->denylist);
	verity_unlock_free(trust->unlock);
	free((void *)(uintptr_t)trust->quarantine.ids);
	verity_floors_free(&trust->floors);
	verity_keyring_free(trust->keyring);
	free(trust);
}

const struct verity_policy *overlay_trust_policy(const struct overlay_trust *trust)
{
	return &trust->policy;
}

const struct verity_error *overlay_trust_notes(const struct overlay_trust *trust,
					       size_t *ret_count)
{
	*ret_count = trust->note_count;
	return trust->notes;
}

const struct verity_error *overlay_trust_locked(const struct overlay_trust *trust)
{
	return trust->allowance.locked ? &trust->allowance.why : NULL;
}

int64_t overlay_trust_time(const struct overlay_trust *trust)
{
	return trust->clock > trust->floors.time ? trust->clock : trust->floors.time;
}

const struct verity_keyring *overlay_trust_keyring(const struct overlay_trust *trust)
{
	return trust->keyring;
}

const struct verity_unlock *overlay_trust_unlock(const struct overlay_trust *trust)
{
	return trust->unlock;
}

const struct verity_denylist *overlay_trust_denylist(const struct overlay_trust *trust)
{
	return trust->denylist;
}

static void note(struct overlay_trust *trust, const char *what,
		 const struct verity_error *why)
{
	struct verity_error *place = &trust->notes[trust->note_count];

	if (trust->note_count == OVERLAY_TRUST_NOTES_MAX)
		return;
	*place = *why;
	if (what)
		verity_context(place, 0, "%s", what);
	trust->note_count++;
}

/* -ENOENT where there is no such record, or none at all. */
int overlay_trust_record(const struct overlay_trust *trust, const char *name, size_t max,
			 char **ret, size_t *ret_size, struct verity_error *err)
{
	if (trust->record_fd < 0)
		return -ENOENT;
	return overlay_record_load(trust->record_fd, name, max, ret, ret_size, err);
}

static void load_keyring(struct overlay_trust *trust, const char *folder)
{
	struct verity_error why;

	if (verity_keyring_load(folder, &trust->keyring, &why) < 0) {
		note(trust, NULL, &why);
		return;
	}
	if (verity_keyring_count(trust->keyring) > 0)
		return;
	verity_fail(&why, VERITY_E_KEYRING, "%s holds no certificate", folder);
	note(trust, "key ring", &why);
}

static void load_floors(struct overlay_trust *trust, int64_t built)
{
	struct verity_error why;

	if (overlay_trust_load_floors(trust, &trust->floors, &why) < 0)
		note(trust, NULL, &why);
	(void)verity_floors_raise_time(&trust->floors, built);
}

int overlay_trust_read_denylist(const struct overlay_trust *trust,
				struct verity_denylist **ret, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = overlay_trust_record(trust, OVERLAY_RECORD_DENYLIST,
				     VERITY_STATEMENT_FILE_MAX, &bytes, &size, err);

	return r < 0 ? r
		     : verity_denylist_read_kept(bytes, size, trust->keyring, ret, err);
}

static void load_denylist(struct overlay_trust *trust)
{
	uint32_t number = 0;
	struct verity_error why;
	int r = overlay_trust_read_denylist(trust, &trust->denylist, &why);

	if (r < 0 && r != -ENOENT)
		note(trust, "deny list", &why);
	if (r > 0) {
		verity_fail(&why, VERITY_E_UNTRUSTED_SIGNER,
			    "its signer is not in the key ring any more; it stays in "
			    "force");
		note(trust, "deny list", &why);
	}
	if (trust->denylist)
		number = verity_denylist_text(trust->denylist)->number;
	/* The power may have been cut after it was put in force. */
	if (r == 0)
		overlay_trust_see_denylist(trust);
	if (number >= trust->floors.denylist)
		return;
	verity_fail(&why, VERITY_E_OLD_DENYLIST,
		    "number %" PRIu32 " was in force on this device, and it is not there "
		    "any more",
		    trust->floors.denylist);
	note(trust, "deny list", &why);
}

void overlay_trust_load_unlock(struct overlay_trust *trust)
{
	cleanup_free char *bytes = NULL;
	struct verity_error why;
	size_t size;
	int r = overlay_trust_record(trust, OVERLAY_RECORD_UNLOCK,
				     VERITY_STATEMENT_FILE_MAX, &bytes, &size, &why);

	if (r == 0)
		r = verity_unlock_read(bytes, size, trust->keyring, trust->denylist,
				       &trust->unlock, &why);
	if (r < 0 && r != -ENOENT)
		note(trust, "unlock statement", &why);
}

static void load_quarantine(struct overlay_trust *trust)
{
	struct overlay_trials trials;
	struct verity_error why;
	int r = overlay_trials_load(trust->record_fd, &trials, &why);

	if (r == 0) {
		r = overlay_trials_quarantine(&trials, &trust->quarantine, &why);
		overlay_trials_free(&trials);
	}
	if (r < 0)
		note(trust, "trials", &why);
}

void overlay_trust_decide(struct overlay_trust *trust)
{
	const struct overlay_allowance_inputs inputs = {
		.asked = trust->asked,
		.anchored = trust->anchored,
		.unlock = trust->unlock,
		.serial = trust->identity.serial,
		.now = overlay_trust_time(trust),
	};

	overlay_allowance_decide(&inputs, &trust->allowance);
	trust->policy.allow_untrusted = trust->allowance.untrusted;
	trust->policy.allow_downgrade = trust->allowance.downgrade;
}

static void note_unlock(struct overlay_trust *trust)
{
	if (trust->allowance.unlock_fault.code != VERITY_OK && !trust->allowance.locked)
		note(trust, NULL, &trust->allowance.unlock_fault);
}

static void make_policy(struct overlay_trust *trust, const struct overlay_config *config)
{
	for (size_t i = 0; i < config->signers_count; i++) {
		snprintf(trust->required[i], sizeof(trust->required[i]), "%s",
			 config->signers[i]);
		trust->required_at[i] = trust->required[i];
	}
	trust->policy = (struct verity_policy){
		.keyring = trust->keyring,
		.required = {trust->required_at, config->signers_count,
			     config->all_signers},
		.denylist = trust->denylist,
		.floors = &trust->floors,
		.quarantine = &trust->quarantine,
		.model = trust->identity.model,
		.firmware = trust->identity.firmware,
	};
}

int overlay_trust_load(const struct overlay_trust_inputs *inputs,
		       struct overlay_trust **ret, struct verity_error *err)
{
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust =
		calloc(1, sizeof(*trust));

	if (!trust)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	trust->identity = *inputs->identity;
	trust->clock = inputs->clock;
	trust->record_fd = inputs->record_fd;
	if (inputs->record_fd >= 0)
		trust->record_fd = fcntl(inputs->record_fd, F_DUPFD_CLOEXEC, 0);
	/* Without its records it would know of no deny list. */
	if (inputs->record_fd >= 0 && trust->record_fd < 0)
		return verity_fail_errno(err, errno, OVERLAY_RECORD_FOLDER);
	load_keyring(trust, inputs->config->keys);
	load_floors(trust, inputs->config->firmware_built);
	load_denylist(trust);
	overlay_trust_load_unlock(trust);
	load_quarantine(trust);
	make_policy(trust, inputs->config);
	trust->asked = inputs->bootconf->allow_untrusted;
	trust->anchored = overlay_anchor_holds(inputs->config->anchor, OVERLAY_EFI_PATH);
	overlay_trust_decide(trust);
	note_unlock(trust);
	*ret = steal_ptr(&trust);
	return 0;
}

/* A signing time counts where somebody we trust vouches for it. */
void overlay_trust_see_time(struct overlay_trust *trust,
			    const struct verity_signer *signer)
{
	if (signer->anchor[0] &&
	    verity_floors_raise_time(&trust->floors, signer->signed_at))
		trust->floors_rose = true;
}

int overlay_trust_seen(struct overlay_trust *trust,
		       const struct verity_judgement *judgement, bool ran,
		       struct verity_error *err)
{
	const struct verity_signatures *signatures =
		verity_judgement_signatures(judgement);
	const struct verity_manifest *manifest = verity_judgement_manifest(judgement);
	int r;

	if (verity_judgement_verdict(judgement) != VERITY_SIGNED)
		return 0;
	for (size_t i = 0; i < signatures->count; i++)
		overlay_trust_see_time(trust, &signatures->signers[i]);
	if (!ran)
		return 0;
	r = verity_floors_raise_epoch(&trust->floors, manifest->name, manifest->epoch,
				      err);
	if (r > 0)
		trust->floors_rose = true;
	return r < 0 ? verity_context(err, r, "floors") : 0;
}
