/* SPDX-License-Identifier: MIT */
/* Puts trust together from the firmware and PERSIST, and keeps what it learns there. */
#include "overlay/record/trust.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "overlay/record/trust_private.h"
#include "verity/cms/keyring.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"

#define FLOORS_BYTES_MAX (1 << 20) /* of the file */

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

const struct overlay_anchor_result *overlay_trust_anchor(
	const struct overlay_trust *trust)
{
	return &trust->anchor;
}

int64_t overlay_trust_time(const struct overlay_trust *trust)
{
	return trust->clock > trust->floors.time ? trust->clock : trust->floors.time;
}

const struct verity_unlock *overlay_trust_unlock(const struct overlay_trust *trust)
{
	return trust->unlock;
}

static void note(struct overlay_trust *trust, const char *what,
		 const struct verity_error *why)
{
	struct verity_error *added = &trust->notes[trust->note_count];

	if (trust->note_count == OVERLAY_TRUST_NOTES_MAX)
		return;
	*added = *why;
	if (what)
		verity_context(added, 0, "%s", what);
	trust->note_count++;
}

/* -ENOENT where there is no such record, or none at all. */
static int load_record(const struct overlay_trust *trust, const char *name, size_t max,
		       char **ret, size_t *ret_size, struct verity_error *err)
{
	if (trust->record_fd < 0)
		return -ENOENT;
	return overlay_record_load(trust->record_fd, name, max, ret, ret_size, err);
}

/* @ret: untouched where no floors are kept, and on failure */
static int load_floors(const struct overlay_trust *trust, struct verity_floors *ret,
		       struct verity_error *err)
{
	cleanup_free char *text = NULL;
	size_t size;
	int r = load_record(trust, OVERLAY_RECORD_FLOORS, FLOORS_BYTES_MAX, &text, &size,
			    err);

	if (r == 0)
		r = verity_floors_decode(text, size, ret, err);
	if (r == -ENOENT)
		return 0;
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

/* A signing time counts where the signer chains to the key ring. */
static void see_time(struct overlay_trust *trust, const struct verity_signer *signer)
{
	if (signer->anchor[0] &&
	    verity_floors_raise_time(&trust->floors, verity_signer_time(signer)))
		trust->floors_rose = true;
}

/* Number and signing time of the list in force, whose signer is trusted, are floors. */
static void see_denylist(struct overlay_trust *trust)
{
	see_time(trust, verity_denylist_signer(trust->denylist));
	if (verity_floors_raise_denylist(&trust->floors,
					 verity_denylist_text(trust->denylist)->number))
		trust->floors_rose = true;
}

/* Return: as verity_denylist_read_kept(); -ENOENT where none is kept. */
static int read_denylist(const struct overlay_trust *trust, struct verity_denylist **ret,
			 struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = load_record(trust, OVERLAY_RECORD_DENYLIST, VERITY_STATEMENT_FILE_MAX,
			    &bytes, &size, err);

	return r < 0 ? r
		     : verity_denylist_read_kept(bytes, size, trust->keyring, ret, err);
}

static void load_denylist(struct overlay_trust *trust)
{
	uint32_t number = 0;
	struct verity_error why;
	int r = read_denylist(trust, &trust->denylist, &why);

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
		see_denylist(trust);
	if (number >= trust->floors.denylist)
		return;
	verity_fail(&why, VERITY_E_OLD_DENYLIST,
		    "number %" PRIu32 " was in force on this device, and is missing now",
		    trust->floors.denylist);
	note(trust, "deny list", &why);
}

static void load_unlock(struct overlay_trust *trust)
{
	cleanup_free char *bytes = NULL;
	struct verity_error why;
	size_t size;
	int r = load_record(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX,
			    &bytes, &size, &why);

	if (r == 0)
		r = verity_unlock_read(bytes, size, trust->keyring, trust->denylist,
				       &trust->unlock, &why);
	if (r < 0 && r != -ENOENT)
		note(trust, "unlock statement", &why);
}

/* What is allowed, by all that is known now. */
static void decide(struct overlay_trust *trust)
{
	const struct overlay_allowance_inputs inputs = {
		.asked = trust->asked,
		.anchor = &trust->anchor,
		.unlock = trust->unlock,
		.serial = trust->identity.serial,
		.now = overlay_trust_time(trust),
	};

	overlay_allowance_decide(&inputs, &trust->allowance);
	trust->policy.allow_untrusted = trust->allowance.untrusted;
	trust->policy.allow_downgrade = trust->allowance.downgrade;
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
	decide(trust);
}

int overlay_trust_load(const struct overlay_trust_inputs *inputs,
		       struct overlay_trust **ret, struct verity_error *err)
{
	cleanup_with(overlay_trust_free_p) struct overlay_trust *trust =
		calloc(1, sizeof(*trust));
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	const char *keys = inputs->config->keys;
	struct verity_error why;
	int r;

	if (!trust)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	trust->identity = *inputs->identity;
	trust->clock = inputs->clock;
	trust->record_fd = inputs->record_fd;
	if (inputs->record_fd >= 0)
		trust->record_fd = fcntl(inputs->record_fd, F_DUPFD_CLOEXEC, 0);
	/* Without its records it would know of no deny list. */
	if (inputs->record_fd >= 0 && trust->record_fd < 0)
		return verity_fail_errno(err, errno, "PERSIST/" OVERLAY_RECORD_FOLDER);
	if (verity_keyring_load(keys, &trust->keyring, &why) < 0) {
		note(trust, NULL, &why);
	} else if (verity_keyring_count(trust->keyring) == 0) {
		verity_fail(&why, VERITY_E_KEYRING, "%s holds no certificate", keys);
		note(trust, "key ring", &why);
	}
	if (trust->keyring && inputs->config->timestamp_required)
		verity_keyring_require_timestamps(trust->keyring);
	if (load_floors(trust, &trust->floors, &why) < 0)
		note(trust, NULL, &why);
	(void)verity_floors_raise_time(&trust->floors, inputs->config->firmware_built);
	load_denylist(trust);
	load_unlock(trust);
	r = overlay_trials_load(trust->record_fd, &trials, &why);
	if (r == 0)
		r = overlay_trials_quarantine(&trials, &trust->quarantine, &why);
	if (r < 0)
		note(trust, "trials", &why);
	trust->asked = inputs->bootconf->allow_untrusted;
	overlay_anchor_find(inputs->config->anchor, &trust->anchor);
	make_policy(trust, inputs->config);
	if (trust->allowance.unlock_fault.code != VERITY_OK && !trust->allowance.locked)
		note(trust, NULL, &trust->allowance.unlock_fault);
	*ret = steal_ptr(&trust);
	return 0;
}

int overlay_trust_seen(struct overlay_trust *trust,
		       const struct verity_judgement *judgement, bool ran,
		       struct verity_error *err)
{
	const struct verity_signatures *signatures = &judgement->signatures;
	const struct verity_manifest *manifest = judgement->manifest;
	int r;

	if (judgement->verdict != VERITY_SIGNED)
		return 0;
	for (size_t i = 0; i < signatures->count; i++)
		see_time(trust, &signatures->signers[i]);
	if (!ran)
		return 0;
	r = verity_floors_raise_epoch(&trust->floors, manifest->name, manifest->epoch,
				      err);
	if (r > 0)
		trust->floors_rose = true;
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

/*
 * The record itself is damaged, and stays so. Any other failure, as too many open files,
 * says nothing about it.
 */
static bool is_damage(int r)
{
	return r == -EBADMSG || r == -EINVAL || r == -EFBIG || r == -EIO || r == -EUCLEAN;
}

/*
 * Raise our floors to what other programs have raised them to since. The records must be
 * locked.
 *
 * @ret_valid: false where what is kept is damaged, or of a newer format
 *
 * Return: 0, also where it is not valid; -ENOMEM; -E2BIG; -errno.
 */
static int refresh_floors(struct overlay_trust *trust, bool *ret_valid,
			  struct verity_error *err)
{
	cleanup_with(verity_floors_free) struct verity_floors others = {.time = 0};
	int r = load_floors(trust, &others, err);

	*ret_valid = r == 0;
	if (r < 0)
		return is_damage(r) ? 0 : r;
	(void)verity_floors_raise_time(&trust->floors, others.time);
	(void)verity_floors_raise_denylist(&trust->floors, others.denylist);
	for (size_t i = 0; r >= 0 && i < others.count; i++)
		r = verity_floors_raise_epoch(&trust->floors, others.epochs[i].name,
					      others.epochs[i].epoch, err);
	return r < 0 ? verity_context(err, r, "floors") : 0;
}

/* For those who hold the lock. */
static int keep_locked(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	bool valid;
	int r;

	if (!trust->floors_rose)
		return 0;
	r = refresh_floors(trust, &valid, err);
	if (r < 0)
		return r;
	r = verity_floors_encode(&trust->floors, &text, err);
	/* Neither what is damaged nor what newer firmware wrote is thrown away. */
	if (r == 0 && !valid)
		r = overlay_record_set_aside(trust->record_fd, OVERLAY_RECORD_FLOORS,
					     err);
	if (r == 0)
		r = overlay_record_replace(trust->record_fd, OVERLAY_RECORD_FLOORS, text,
					   strlen(text), err);
	if (r < 0)
		return verity_context(err, r, "floors");
	trust->floors_rose = false;
	return 0;
}

int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_fd int lock = -1;
	int r;

	if (!trust->floors_rose || trust->record_fd < 0)
		return 0;
	r = overlay_record_lock(trust->record_fd, "floors", false, &lock, err);
	return r < 0 ? r : keep_locked(trust, err);
}

/* Decide by @denylist from now on, which is ours then. */
static void use_denylist(struct overlay_trust *trust, struct verity_denylist *denylist)
{
	verity_denylist_free(trust->denylist);
	trust->denylist = denylist;
	trust->policy.denylist = denylist;
	/* It may deny the key of the unlock statement. */
	verity_unlock_free(steal_ptr(&trust->unlock));
	load_unlock(trust);
	decide(trust);
}

/*
 * Lock the records until @ret is closed, and read what other programs have put there
 * since: it may be a newer deny list, or one that denies a key which ours does not. Where
 * that is damaged, ours stays.
 */
static int begin(struct overlay_trust *trust, const char *what, int *ret,
		 struct verity_error *err)
{
	struct verity_denylist *denylist = NULL;
	bool valid;
	int r;

	if (trust->record_fd < 0)
		return 0;
	r = overlay_record_lock(trust->record_fd, what, false, ret, err);
	if (r == 0)
		r = refresh_floors(trust, &valid, err);
	if (r < 0)
		return r;
	r = read_denylist(trust, &denylist, err);
	if (r < 0)
		return r == -ENOENT || is_damage(r) ? 0 : r;
	use_denylist(trust, denylist);
	if (r == 0)
		see_denylist(trust);
	return 0;
}

/* What is not a file would block each later one. */
static int replace(const struct overlay_trust *trust, const char *name, const void *bytes,
		   size_t size, struct verity_error *err)
{
	int r;

	if (trust->record_fd < 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "there is no PERSIST to keep it on (key persist of "
				   "the configuration)");
	r = overlay_record_clear_folder(trust->record_fd, name, err);
	return r < 0 ? r
		     : overlay_record_replace(trust->record_fd, name, bytes, size, err);
}

int overlay_trust_set_unlock(struct overlay_trust *trust, const void *bytes, size_t size,
			     struct verity_error *err)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	cleanup_fd int lock = -1;
	int r = begin(trust, "unlock statement", &lock, err);

	if (r == 0)
		r = verity_unlock_read(bytes, size, trust->keyring, trust->denylist,
				       &unlock, err);
	if (r == 0)
		r = verity_unlock_check(unlock, trust->identity.serial,
					overlay_trust_time(trust), err);
	if (r == 0)
		r = replace(trust, OVERLAY_RECORD_UNLOCK, bytes, size, err);
	if (r < 0)
		return r;
	verity_unlock_free(trust->unlock);
	trust->unlock = steal_ptr(&unlock);
	see_time(trust, verity_unlock_signer(trust->unlock));
	decide(trust);
	/* It is in force also where this fails; overlay_trust_keep() tries again. */
	(void)!keep_locked(trust, NULL);
	return 0;
}

int overlay_trust_clear_unlock(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	cleanup_fd int lock = -1;
	size_t size;
	int r = begin(trust, "unlock statement", &lock, err);

	if (r < 0)
		return r;
	if (load_record(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX, &bytes,
			&size, NULL) == -ENOENT)
		return 0;
	r = overlay_record_clear_folder(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r == 0)
		r = overlay_record_remove(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r < 0)
		return r;
	verity_unlock_free(steal_ptr(&trust->unlock));
	decide(trust);
	return 1;
}

/* The number in force may come back where its list was lost, but no other of it. */
static int check_number(const struct overlay_trust *trust,
			const struct verity_denylist *denylist, struct verity_error *err)
{
	uint32_t number = verity_denylist_text(denylist)->number;
	uint32_t ours =
		trust->denylist ? verity_denylist_text(trust->denylist)->number : 0;

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
	cleanup_free char *kept = NULL;
	cleanup_fd int lock = -1;
	size_t kept_size;
	int r = begin(trust, "deny list", &lock, err);

	/* What is kept, and in force, may deny the key that it was signed with itself. */
	if (r == 0 && trust->denylist &&
	    load_record(trust, OVERLAY_RECORD_DENYLIST, VERITY_STATEMENT_FILE_MAX, &kept,
			&kept_size, NULL) == 0 &&
	    kept_size == size && memcmp(kept, bytes, size) == 0)
		return 0;
	if (r == 0)
		r = verity_denylist_read(bytes, size, trust->keyring, trust->denylist,
					 &denylist, err);
	if (r == 0)
		r = check_number(trust, denylist, err);
	if (r == 0)
		r = replace(trust, OVERLAY_RECORD_DENYLIST, bytes, size, err);
	if (r < 0)
		return r;
	use_denylist(trust, steal_ptr(&denylist));
	see_denylist(trust);
	/* It is in force also where this fails; overlay_trust_keep() tries again. */
	(void)!keep_locked(trust, NULL);
	return 1;
}
