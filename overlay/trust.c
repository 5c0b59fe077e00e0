/* SPDX-License-Identifier: MIT */
#include "overlay/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/allowance.h"
#include "overlay/anchor.h"
#include "overlay/record.h"
#include "overlay/trials.h"
#include "verity/cleanup.h"
#include "verity/keyring.h"
#include "verity/statement.h"

#define FLOORS_BYTES_MAX (1 << 20) /* of the floors' file */

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

	struct overlay_allowance allowance;
	struct verity_error notes[OVERLAY_TRUST_NOTES_MAX];
	size_t note_count;
};

DEFINE_CLEANUP(struct overlay_trust, overlay_trust_free);
DEFINE_CLEANUP(struct verity_denylist, verity_denylist_free);
DEFINE_CLEANUP(struct verity_unlock, verity_unlock_free);

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
static int load(const struct overlay_trust *trust, const char *name, size_t max,
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
	cleanup_free char *text = NULL;
	struct verity_error why;
	size_t size;
	int r = load(trust, OVERLAY_RECORD_FLOORS, FLOORS_BYTES_MAX, &text, &size, &why);

	if (r == 0)
		r = verity_floors_decode(text, size, &trust->floors, &why);
	if (r < 0 && r != -ENOENT)
		note(trust, "floors", &why);
	(void)verity_floors_raise_time(&trust->floors, built);
}

static void load_denylist(struct overlay_trust *trust)
{
	cleanup_free char *bytes = NULL;
	uint32_t number = 0;
	struct verity_error why;
	size_t size;
	int r = load(trust, OVERLAY_RECORD_DENYLIST, VERITY_STATEMENT_FILE_MAX, &bytes,
		     &size, &why);

	if (r == 0)
		r = verity_denylist_read_kept(bytes, size, trust->keyring,
					      &trust->denylist, &why);
	if (r < 0 && r != -ENOENT)
		note(trust, "deny list", &why);
	if (r > 0) {
		verity_fail(&why, VERITY_E_UNTRUSTED_SIGNER,
			    "its signer is not in the key ring any more; it stays in "
			    "force");
		note(trust, "deny list", &why);
	}
	if (trust->denylist)
		number = verity_denylist_number(trust->denylist);
	if (number >= trust->floors.denylist)
		return;
	verity_fail(&why, VERITY_E_OLD_DENYLIST,
		    "number %" PRIu32 " was in force on this device, and it is not there "
		    "any more",
		    trust->floors.denylist);
	note(trust, "deny list", &why);
}

static void load_unlock(struct overlay_trust *trust)
{
	cleanup_free char *bytes = NULL;
	struct verity_error why;
	size_t size;
	int r = load(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX, &bytes,
		     &size, &why);

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

static void decide_allowance(struct overlay_trust *trust,
			     const struct overlay_trust_inputs *inputs)
{
	const struct overlay_allowance_inputs decide = {
		.asked = inputs->bootconf->allow_untrusted,
		.anchored =
			overlay_anchor_holds(inputs->config->anchor, OVERLAY_EFI_PATH),
		.unlock = trust->unlock,
		.serial = trust->identity.serial,
		.now = overlay_trust_time(trust),
	};

	overlay_allowance_decide(&decide, &trust->allowance);
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
		.allow_untrusted = trust->allowance.untrusted,
		.allow_downgrade = trust->allowance.downgrade,
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
	trust->record_fd = -1;
	if (inputs->record_fd >= 0)
		trust->record_fd = fcntl(inputs->record_fd, F_DUPFD_CLOEXEC, 0);
	load_keyring(trust, inputs->config->keys);
	load_floors(trust, inputs->config->firmware_built);
	load_denylist(trust);
	load_unlock(trust);
	load_quarantine(trust);
	decide_allowance(trust, inputs);
	make_policy(trust, inputs->config);
	*ret = steal_ptr(&trust);
	return 0;
}

/* A signing time counts where somebody we trust vouches for it. */
static void see_time(struct overlay_trust *trust, const struct verity_signer *signer)
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
		see_time(trust, &signatures->signers[i]);
	if (!ran)
		return 0;
	r = verity_floors_raise_epoch(&trust->floors, manifest->name, manifest->epoch,
				      err);
	if (r > 0)
		trust->floors_rose = true;
	return r < 0 ? r : 0;
}

static int fail_no_record(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "there is no PERSIST to keep it on (key persist of the "
			   "configuration)");
}

int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	int r;

	if (!trust->floors_rose || trust->record_fd < 0)
		return 0;
	r = verity_floors_encode(&trust->floors, &text, err);
	if (r == 0)
		r = overlay_record_replace(trust->record_fd, OVERLAY_RECORD_FLOORS, text,
					   strlen(text), err);
	if (r == 0)
		trust->floors_rose = false;
	return r;
}

int overlay_trust_set_unlock(struct overlay_trust *trust, const void *bytes, size_t size,
			     struct verity_error *err)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	int r = verity_unlock_read(bytes, size, trust->keyring, trust->denylist, &unlock,
				   err);

	if (r == 0)
		r = verity_unlock_check(unlock, trust->identity.serial,
					overlay_trust_time(trust), err);
	if (r < 0)
		return r;
	if (trust->record_fd < 0)
		return fail_no_record(err);
	r = overlay_record_replace(trust->record_fd, OVERLAY_RECORD_UNLOCK, bytes, size,
				   err);
	if (r < 0)
		return r;
	verity_unlock_free(trust->unlock);
	trust->unlock = steal_ptr(&unlock);
	see_time(trust, verity_unlock_signer(trust->unlock));
	return overlay_trust_keep(trust, err);
}

int overlay_trust_clear_unlock(struct overlay_trust *trust, struct verity_error *err)
{
	char *bytes = NULL;
	size_t size;
	int r = load(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX, &bytes,
		     &size, err);

	free(bytes);
	if (r == -ENOENT)
		return 0;
	r = overlay_record_remove(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r < 0)
		return r;
	verity_unlock_free(trust->unlock);
	trust->unlock = NULL;
	return 1;
}

static bool is_kept(const struct overlay_trust *trust, const void *bytes, size_t size)
{
	cleanup_free char *kept = NULL;
	size_t kept_size;

	return trust->denylist &&
	       load(trust, OVERLAY_RECORD_DENYLIST, VERITY_STATEMENT_FILE_MAX, &kept,
		    &kept_size, NULL) == 0 &&
	       kept_size == size && memcmp(kept, bytes, size) == 0;
}

/* The number in force may come back where its list was lost, but no other of it. */
static int check_number(const struct overlay_trust *trust,
			const struct verity_denylist *denylist, struct verity_error *err)
{
	uint32_t number = verity_denylist_number(denylist);
	uint32_t ours = trust->denylist ? verity_denylist_number(trust->denylist) : 0;

	if (number > ours && number >= trust->floors.denylist)
		return 0;
	if (ours < trust->floors.denylist)
		ours = trust->floors.denylist;
	return verity_fail(err, VERITY_E_OLD_DENYLIST,
			   "its number is %" PRIu32 ", and number %" PRIu32
			   " is in force on this device",
			   number, ours);
}

int overlay_trust_set_denylist(struct overlay_trust *trust, const void *bytes,
			       size_t size, struct verity_error *err)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	int r;

	/* It may deny the key that it was signed with itself. */
	if (is_kept(trust, bytes, size))
		return 0;
	r = verity_denylist_read(bytes, size, trust->keyring, trust->denylist, &denylist,
				 err);
	if (r < 0)
		return r;
	r = check_number(trust, denylist, err);
	if (r == 0 && trust->record_fd < 0)
		r = fail_no_record(err);
	if (r == 0)
		r = overlay_record_replace(trust->record_fd, OVERLAY_RECORD_DENYLIST,
					   bytes, size, err);
	if (r < 0)
		return r;
	verity_denylist_free(trust->denylist);
	trust->denylist = steal_ptr(&denylist);
	trust->policy.denylist = trust->denylist;
	see_time(trust, verity_denylist_signer(trust->denylist));
	if (verity_floors_raise_denylist(&trust->floors,
					 verity_denylist_number(trust->denylist)))
		trust->floors_rose = true;
	r = overlay_trust_keep(trust, err);
	return r < 0 ? r : 1;
}
