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
#include "verity/package/preamble.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"
#include "verity/util/passing.h"

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

const struct verity_error *overlay_trust_lost(const struct overlay_trust *trust)
{
	return trust->lost.code == VERITY_OK ? NULL : &trust->lost;
}

int overlay_trust_unread(const struct overlay_trust *trust, struct verity_error *err)
{
	if (trust->unread < 0 && err)
		*err = trust->why_unread;
	return trust->unread;
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
	bool late = trust->clock > trust->proofs.latest;

	return late || trust->clock < trust->time_floor ? trust->time_floor
							: trust->clock;
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

/* @r: of reading a record; the first failure that says nothing of it counts */
static void note_unread(struct overlay_trust *trust, const char *what, int r,
			const struct verity_error *why)
{
	if (!verity_errno_passes(r) || overlay_record_is_damage(r) || trust->unread < 0)
		return;
	trust->unread = r;
	trust->why_unread = *why;
	if (what)
		verity_context(&trust->why_unread, r, "%s", what);
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

/* Number of the list in force; 0 where the key ring does not vouch for one. */
static uint32_t vouched_number(const struct overlay_trust *trust)
{
	return verity_denylist_vouched(trust->denylist)
		       ? verity_denylist_text(trust->denylist)->number
		       : 0;
}

/* The number of a list that the key ring vouches for is remembered. */
static void see_denylist(struct overlay_trust *trust)
{
	if (verity_floors_raise_denylist(&trust->floors, vouched_number(trust)))
		trust->floors_changed = true;
}

#define READS_MAX 10 /* of the deny list, while others replace it */

/* A record that holds a deny list, or should. */
struct kept_list {
	const char *name; /* of the record */
	char *bytes;
	size_t size;
	struct verity_denylist *list; /* NULL where it cannot be read */
	int r;                        /* why not */
	struct verity_error why;
};

/*
 * The deny list lies on PERSIST twice, so that another list in its place does not lift
 * what it denies. The first record is written first.
 */
struct kept_lists {
	struct kept_list items[2];
	struct kept_list *first; /* the one that counts; its list may be NULL */
	bool whole;              /* both hold the same list */
};

static void kept_lists_free(struct kept_lists *kept)
{
	for (size_t i = 0; i < 2; i++) {
		free(kept->items[i].bytes);
		verity_denylist_free(kept->items[i].list);
	}
}

/* One that the key ring vouches for comes before one that it does not; then the higher
 * number. */
static bool comes_before(const struct verity_denylist *a, const struct verity_denylist *b)
{
	if (!a || !b)
		return a != NULL;
	if (verity_denylist_vouched(a) != verity_denylist_vouched(b))
		return verity_denylist_vouched(a);
	return verity_denylist_text(a)->number > verity_denylist_text(b)->number;
}

/* Return: 0, also where there is none or it is damaged; -ENOMEM; -errno. */
static int read_lists(const struct overlay_trust *trust, struct kept_lists *ret,
		      struct verity_error *err)
{
	struct kept_list *one = ret->items, *two = ret->items + 1;

	*ret = (struct kept_lists){{{.name = OVERLAY_RECORD_DENYLIST},
				    {.name = OVERLAY_RECORD_DENYLIST_COPY}}};
	for (size_t i = 0; i < 2; i++) {
		struct kept_list *item = &ret->items[i];

		item->r = load_record(trust, item->name, VERITY_STATEMENT_FILE_MAX,
				      &item->bytes, &item->size, &item->why);
		if (item->r == 0)
			item->r = verity_denylist_read_kept(item->bytes, item->size,
							    trust->keyring, &item->list,
							    &item->why);
		if (item->r < 0 && item->r != -ENOENT &&
		    !overlay_record_is_damage(item->r)) {
			if (err)
				*err = item->why;
			return item->r;
		}
	}
	ret->first = comes_before(two->list, one->list) ? two : one;
	ret->whole = one->bytes && two->bytes && one->size == two->size &&
		     memcmp(one->bytes, two->bytes, one->size) == 0;
	return 0;
}

/* Only tampering or damage makes the second copy count. */
static void note_copy(struct overlay_trust *trust, const struct kept_lists *kept)
{
	const struct kept_list *one = &kept->items[0];
	uint32_t number = verity_denylist_text(kept->first->list)->number;
	struct verity_error why;

	if (one->list)
		verity_fail(&why, VERITY_E_UNTRUSTED_SIGNER,
			    "its file holds number %" PRIu32 ", which %s; number %" PRIu32
			    " stays in force by its second copy",
			    verity_denylist_text(one->list)->number,
			    verity_denylist_vouched(one->list)
				    ? "is an older one"
				    : "no key of the key ring vouches for",
			    number);
	else
		verity_fail(&why, one->r == -ENOENT ? VERITY_E_NOT_FOUND : one->why.code,
			    "%s; number %" PRIu32 " stays in force by its second copy",
			    one->r == -ENOENT ? "its file is missing" : one->why.message,
			    number);
	note(trust, "deny list", &why);
}

/* The first one counts. */
static void note_lost(struct overlay_trust *trust, const char *what,
		      const struct verity_error *why)
{
	note(trust, what, why);
	if (trust->lost.code != VERITY_OK)
		return;
	trust->lost = *why;
	if (what)
		verity_context(&trust->lost, -EIO, "%s", what);
}

static void note_lists(struct overlay_trust *trust, const struct kept_lists *kept)
{
	uint32_t number = 0;
	struct verity_error why;

	if (kept->first->list && kept->first != kept->items)
		note_copy(trust, kept);
	for (size_t i = 0; i < 2 && !kept->first->list; i++)
		if (kept->items[i].r != -ENOENT)
			note_lost(trust, "deny list", &kept->items[i].why);
	if (trust->denylist)
		number = verity_denylist_text(trust->denylist)->number;
	if (trust->denylist && !verity_denylist_vouched(trust->denylist)) {
		verity_fail(&why, VERITY_E_UNTRUSTED_SIGNER,
			    "no key of the key ring vouches for number %" PRIu32
			    "; it stays in force until a signed list takes its place",
			    number);
		note(trust, "deny list", &why);
	}
	if (number >= trust->floors.denylist)
		return;
	verity_fail(&why, VERITY_E_OLD_DENYLIST,
		    "number %" PRIu32 " was in force on this device, and is missing now",
		    trust->floors.denylist);
	note_lost(trust, "deny list", &why);
}

static void load_denylist(struct overlay_trust *trust)
{
	cleanup_with(kept_lists_free) struct kept_lists kept = {.whole = false};
	struct verity_error why;
	int r = read_lists(trust, &kept, &why);

	/* Another program may have replaced both between the two reads. */
	for (unsigned i = 0;
	     i < READS_MAX && r == 0 && kept.items[0].list && kept.first != kept.items;
	     i++) {
		kept_lists_free(&kept);
		r = read_lists(trust, &kept, &why);
	}
	if (r < 0) {
		note_lost(trust, "deny list", &why);
		note_unread(trust, "deny list", r, &why);
		return;
	}
	trust->denylist = steal_ptr(&kept.first->list);
	trust->denylist_whole = kept.whole;
	kept.first->list = trust->denylist;
	note_lists(trust, &kept);
	kept.first->list = NULL;
	/* The power may have been cut after it was put in force. */
	see_denylist(trust);
}

/* Cleared for good: putting the file back does not bring it back. */
static int check_spent(const struct overlay_trust *trust,
		       const struct verity_unlock *unlock, struct verity_error *err)
{
	if (!verity_floors_is_spent(&trust->floors, verity_unlock_digest(unlock)))
		return 0;
	return verity_fail(err, VERITY_E_SPENT,
			   "the unlock statement was cleared on this device");
}

static void load_unlock(struct overlay_trust *trust)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	cleanup_free char *bytes = NULL;
	struct verity_error why;
	size_t size;
	int r = load_record(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX,
			    &bytes, &size, &why);

	if (r == 0)
		r = verity_unlock_read(bytes, size, trust->keyring, trust->denylist,
				       &unlock, &why);
	if (r == 0)
		r = check_spent(trust, unlock, &why);
	if (r == 0)
		trust->unlock = steal_ptr(&unlock);
	else if (r != -ENOENT)
		note(trust, "unlock statement", &why);
	note_unread(trust, "unlock statement", r, &why);
}

/*
 * The time floor: what is known to have passed, by the firmware, by what a completed boot
 * proved, and by statements while they are in force.
 */
static void reckon_time(struct overlay_trust *trust)
{
	int64_t times[] = {
		trust->floors.time,
		overlay_proofs_time(&trust->proofs),
		verity_denylist_vouched(trust->denylist)
			? verity_signer_time(verity_denylist_signer(trust->denylist))
			: -1,
		trust->unlock ? verity_signer_time(verity_unlock_signer(trust->unlock))
			      : -1,
	};

	trust->time_floor = trust->built;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] > trust->time_floor && times[i] <= trust->proofs.latest)
			trust->time_floor = times[i];
}

/* What is allowed, by all that is known now. */
static void decide(struct overlay_trust *trust)
{
	struct overlay_allowance_inputs inputs = {
		.asked = trust->asked,
		.anchor = &trust->anchor,
		.unlock = trust->unlock,
		.serial = trust->identity.serial,
	};

	reckon_time(trust);
	inputs.now = overlay_trust_time(trust);
	overlay_allowance_decide(&inputs, &trust->allowance);
	trust->policy.allow_untrusted = trust->allowance.untrusted;
	trust->policy.allow_downgrade = trust->allowance.downgrade;
}

static uint32_t proven_epoch(const void *context, const char *name)
{
	const struct overlay_trust *trust = context;

	return overlay_proofs_epoch(&trust->proofs, name);
}

/* A name that is mistyped refuses every package, and nothing else would say why. */
static void note_missing_signer(struct overlay_trust *trust, const char *signer)
{
	struct verity_error why;
	const char *name;

	for (size_t i = 0;
	     trust->keyring && (name = verity_keyring_name(trust->keyring, i)); i++)
		if (strcmp(name, signer) == 0)
			return;
	verity_fail(&why, VERITY_E_KEYRING,
		    "%s is not in the key ring, so no package can have a signature of it "
		    "(correct signers in the configuration, or add the certificate)",
		    signer);
	note(trust, "signers", &why);
}

static void make_policy(struct overlay_trust *trust, const struct overlay_config *config)
{
	for (size_t i = 0; i < config->signers_count; i++)
		note_missing_signer(trust, config->signers[i]);
	for (size_t i = 0; i < config->signers_count; i++) {
		snprintf(trust->required[i], sizeof(trust->required[i]), "%s",
			 config->signers[i]);
		trust->required_at[i] = trust->required[i];
	}
	trust->built = config->firmware_built;
	trust->proofs = (struct overlay_proofs){trust->record_fd, &trust->policy,
						overlay_config_latest(config)};
	trust->floors.proven = proven_epoch;
	trust->floors.context = trust;
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

static void note_skipped(struct overlay_trust *trust)
{
	struct verity_error why;
	size_t count;

	why = *verity_keyring_skipped(trust->keyring, &count);
	if (count == 0)
		return;
	if (count > 1)
		verity_context(&why, 0, "%zu files skipped, the first", count);
	else
		verity_context(&why, 0, "skipped");
	note(trust, NULL, &why);
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
		return verity_no_memory(err);
	trust->identity = *inputs->identity;
	trust->clock = inputs->clock;
	trust->record_fd = inputs->record_fd;
	if (inputs->record_fd >= 0)
		trust->record_fd = fcntl(inputs->record_fd, F_DUPFD_CLOEXEC, 0);
	/* Without its records it would know of no deny list. */
	if (inputs->record_fd >= 0 && trust->record_fd < 0)
		return verity_fail_errno(err, errno, "PERSIST/" OVERLAY_RECORD_FOLDER);
	if (verity_keyring_load(keys, &trust->keyring, &why) < 0)
		note(trust, NULL, &why);
	else
		note_skipped(trust);
	if (trust->keyring && verity_keyring_count(trust->keyring) == 0) {
		verity_fail(
			&why, VERITY_E_KEYRING,
			"%s holds no certificate (only files count whose names end in "
			".pem, .crt, .cer or .der)",
			keys);
		note(trust, "key ring", &why);
	}
	if (trust->keyring && inputs->config->timestamp_required)
		verity_keyring_require_timestamps(trust->keyring);
	r = load_floors(trust, &trust->floors, &why);
	if (r < 0)
		note_lost(trust, NULL, &why);
	note_unread(trust, NULL, r, &why);
	load_denylist(trust);
	load_unlock(trust);
	r = overlay_trials_load(trust->record_fd, &trials, &why);
	if (r == 0)
		r = overlay_trials_quarantine(&trials, &trust->quarantine, &why);
	if (r < 0)
		note(trust, "trials", &why);
	note_unread(trust, "trials", r, &why);
	trust->asked = inputs->bootconf->allow_untrusted;
	overlay_anchor_find(inputs->config->anchor, &trust->anchor);
	make_policy(trust, inputs->config);
	if (trust->clock > trust->proofs.latest) {
		verity_fail(&why, VERITY_E_CLOCK,
			    "the system clock is more than firmware_years after "
			    "firmware_built, and is not used (set the clock)");
		note(trust, "device time", &why);
	}
	if (trust->allowance.unlock_fault.code != VERITY_OK && !trust->allowance.locked)
		note(trust, NULL, &trust->allowance.unlock_fault);
	*ret = steal_ptr(&trust);
	return 0;
}

/*
 * Read the floors again, as other programs have written them since, and add what is ours
 * to them. The records must be locked.
 *
 * @ret_valid: false where what is kept is damaged, or of a newer format; ours stay then
 *
 * Return: 0, also where it is not valid; -ENOMEM; -errno.
 */
static int refresh_floors(struct overlay_trust *trust, bool *ret_valid,
			  struct verity_error *err)
{
	cleanup_with(verity_floors_free) struct verity_floors floors = {.time = 0};
	uint32_t number = vouched_number(trust);
	int r = load_floors(trust, &floors, err);

	*ret_valid = r == 0;
	if (r < 0)
		return overlay_record_is_damage(r) ? 0 : r;
	for (size_t i = 0; r >= 0 && i < trust->floors.spent_count; i++)
		r = verity_floors_spend(&floors, trust->floors.spent[i], err);
	if (r < 0)
		return verity_context(err, r, "floors");
	if (trust->number_set || number > floors.denylist)
		floors.denylist = number;
	verity_floors_free(&trust->floors);
	trust->floors = floors;
	trust->floors.proven = proven_epoch;
	trust->floors.context = trust;
	floors = (struct verity_floors){.time = 0};
	return 0;
}

/* For those who hold the lock. */
static int keep_floors(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_free char *text = NULL;
	bool valid;
	int r;

	if (!trust->floors_changed)
		return 0;
	r = refresh_floors(trust, &valid, err);
	if (r < 0)
		return r;
	if (trust->unproven_over)
		verity_floors_drop(&trust->floors);
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
	trust->floors_changed = trust->number_set = trust->unproven_over = false;
	return 0;
}

/* Write both records of the list, or only the one that does not hold it. */
static int write_lists(const struct overlay_trust *trust, const struct kept_lists *kept,
		       const void *bytes, size_t size, struct verity_error *err)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < 2; i++) {
		const struct kept_list *item = &kept->items[i];

		if (item->bytes && item->size == size &&
		    memcmp(item->bytes, bytes, size) == 0)
			continue;
		/* Evidence of who has been there. */
		if (i == 0 && item->r != -ENOENT && !verity_denylist_vouched(item->list))
			r = overlay_record_set_aside(trust->record_fd, item->name, err);
		if (r == 0)
			r = overlay_record_put(trust->record_fd, item->name, bytes, size,
					       err);
	}
	return r;
}

/* For those who hold the lock: where one of its records was lost, or has another list. */
static int heal_denylist(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_with(kept_lists_free) struct kept_lists kept = {.whole = true};
	int r;

	if (trust->denylist_whole || !verity_denylist_vouched(trust->denylist))
		return 0;
	r = read_lists(trust, &kept, err);
	if (r == 0 && !kept.whole && verity_denylist_vouched(kept.first->list))
		r = write_lists(trust, &kept, kept.first->bytes, kept.first->size, err);
	if (r < 0)
		return verity_context(err, r, "deny list");
	trust->denylist_whole = true;
	return 0;
}

static int keep_locked(struct overlay_trust *trust, struct verity_error *err)
{
	int healed = heal_denylist(trust, err);
	int r = keep_floors(trust, healed < 0 ? NULL : err);

	return healed < 0 ? healed : r;
}

int overlay_trust_keep(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_fd int lock = -1;
	int r;

	if (trust->record_fd < 0 ||
	    (!trust->floors_changed &&
	     (trust->denylist_whole || !verity_denylist_vouched(trust->denylist))))
		return 0;
	r = overlay_record_lock(trust->record_fd, "floors", false, &lock, err);
	return r < 0 ? r : keep_locked(trust, err);
}

/* It may not be the file that ran; then it proves nothing. */
static int prove(const struct overlay_trust *trust, const struct overlay_store *store,
		 const struct overlay_state_entry *entry, uint8_t *preamble,
		 struct verity_error *err)
{
	char name[OVERLAY_FILE_BYTES];
	struct overlay_file_id id;
	struct verity_head head;
	cleanup_fd int fd = -1;
	uint64_t bytes;

	overlay_entry_file(&entry->entry, name);
	if (verity_preamble_open(overlay_store_folder(store, entry->entry.kind), name,
				 &fd, &bytes, NULL) < 0 ||
	    overlay_file_id_get(fd, &id, NULL) < 0 ||
	    !overlay_file_id_equal(&id, &entry->file) ||
	    verity_preamble_read(fd, bytes, preamble, &head, NULL) < 0)
		return 0;
	return overlay_proofs_add(&trust->proofs, preamble, verity_preamble_bytes(&head),
				  err);
}

int overlay_trust_complete(struct overlay_trust *trust, const struct overlay_store *store,
			   const struct overlay_state *state, struct verity_error *err)
{
	cleanup_free uint8_t *preamble = malloc(VERITY_PREAMBLE_MAX);
	cleanup_fd int lock = -1;
	int r, failed = 0;

	if (!preamble)
		return verity_no_memory(err);
	if (trust->record_fd < 0 || state->safe)
		return 0;
	r = overlay_record_lock(trust->record_fd, "floors", false, &lock, err);
	if (r < 0)
		return r;
	for (size_t i = 0; i < state->count; i++) {
		if (!state->entries[i].active)
			continue;
		r = prove(trust, store, &state->entries[i], preamble,
			  failed < 0 ? NULL : err);
		if (failed == 0 && r < 0)
			failed = verity_context(err, r, "floors");
	}
	/* Also then: whoever forged an epoch must not keep packages out for good. */
	if (trust->floors.time != 0 || trust->floors.count > 0)
		trust->unproven_over = trust->floors_changed = true;
	r = keep_locked(trust, failed < 0 ? NULL : err);
	decide(trust);
	return failed < 0 ? failed : r;
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
	cleanup_with(kept_lists_free) struct kept_lists kept = {.whole = false};
	bool valid;
	int r;

	if (trust->record_fd < 0)
		return 0;
	r = overlay_record_lock(trust->record_fd, what, false, ret, err);
	if (r == 0)
		r = read_lists(trust, &kept, err);
	if (r == 0)
		r = refresh_floors(trust, &valid, err);
	if (r < 0 || !kept.first->list)
		return r;
	trust->denylist_whole = kept.whole;
	use_denylist(trust, steal_ptr(&kept.first->list));
	see_denylist(trust);
	return 0;
}

static int fail_without_persist(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "there is no PERSIST to keep it on (key persist of the "
			   "configuration)");
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
		r = check_spent(trust, unlock, err);
	if (r == 0)
		r = verity_unlock_check(unlock, trust->identity.serial,
					overlay_trust_time(trust), err);
	if (r == 0 && trust->record_fd < 0)
		r = fail_without_persist(err);
	/* What is not a file would block each later one. */
	if (r == 0)
		r = overlay_record_put(trust->record_fd, OVERLAY_RECORD_UNLOCK, bytes,
				       size, err);
	if (r < 0)
		return r;
	verity_unlock_free(trust->unlock);
	trust->unlock = steal_ptr(&unlock);
	decide(trust);
	(void)!keep_locked(trust, NULL);
	return 0;
}

/* One that counts for nothing need not be remembered: nobody can make it count. */
static int spend(struct overlay_trust *trust, const void *bytes, size_t size,
		 struct verity_error *err)
{
	cleanup_with(verity_unlock_free_p) struct verity_unlock *unlock = NULL;
	int r;

	if (verity_unlock_read(bytes, size, trust->keyring, NULL, &unlock, NULL) < 0)
		return 0;
	r = verity_floors_spend(&trust->floors, verity_unlock_digest(unlock), err);
	if (r > 0)
		trust->floors_changed = true;
	return r < 0 ? r : keep_floors(trust, err);
}

/*
 * It is spent before it is deleted: a power cut leaves a file that counts no more. Where
 * it cannot be remembered as spent, it is deleted all the same: to leave it would be
 * worse.
 */
int overlay_trust_clear_unlock(struct overlay_trust *trust,
			       struct verity_error *ret_unspent, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	cleanup_fd int lock = -1;
	struct verity_error unspent;
	size_t size;
	int r = begin(trust, "unlock statement", &lock, err);
	int loaded;

	ret_unspent->code = VERITY_OK;
	if (r < 0)
		return r;
	loaded = load_record(trust, OVERLAY_RECORD_UNLOCK, VERITY_STATEMENT_FILE_MAX,
			     &bytes, &size, NULL);
	if (loaded == -ENOENT)
		return 0;
	if (loaded == 0 && spend(trust, bytes, size, &unspent) < 0)
		*ret_unspent = unspent;
	r = overlay_record_clear_folder(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r == 0)
		r = overlay_record_remove(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r < 0)
		return r;
	verity_unlock_free(steal_ptr(&trust->unlock));
	decide(trust);
	return 1;
}

/*
 * Against the list in force, if the key ring vouches for it. Any other number that is
 * known here was written by who knows whom, and only a warning comes of it.
 */
static int check_number(const struct overlay_trust *trust,
			const struct verity_denylist *denylist,
			struct verity_error *ret_replaced, struct verity_error *err)
{
	uint32_t number = verity_denylist_text(denylist)->number;
	uint32_t ours = vouched_number(trust);
	uint32_t known = trust->floors.denylist;
	bool vouched = verity_denylist_vouched(trust->denylist);

	if (number <= ours)
		return verity_fail(err, VERITY_E_OLD_DENYLIST,
				   "its number is %" PRIu32 ", and number %" PRIu32
				   " is in force on this device",
				   number, ours);
	if (trust->denylist && !vouched)
		verity_fail(ret_replaced, VERITY_E_UNTRUSTED_SIGNER,
			    "number %" PRIu32 " takes the place of number %" PRIu32
			    ", which no key of the key ring vouches for",
			    number, verity_denylist_text(trust->denylist)->number);
	else if (number < known)
		verity_fail(ret_replaced, VERITY_E_OLD_DENYLIST,
			    "number %" PRIu32
			    " is remembered by this device, but there is no list that "
			    "vouches for it: number %" PRIu32 " is accepted",
			    known, number);
	return 0;
}

int overlay_trust_set_denylist(struct overlay_trust *trust, const void *bytes,
			       size_t size, struct verity_error *ret_replaced,
			       struct verity_error *err)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	cleanup_with(kept_lists_free) struct kept_lists kept = {.whole = false};
	struct verity_error replaced = {VERITY_OK, ""};
	cleanup_fd int lock = -1;
	int r = begin(trust, "deny list", &lock, err);

	if (r == 0)
		r = read_lists(trust, &kept, err);
	if (r < 0)
		return r;
	*ret_replaced = replaced;
	/*
	 * What is kept, and in force, may deny the key that it was signed with itself.
	 * Also where only one record has it: overlay_trust_keep() writes the other.
	 */
	if (verity_denylist_vouched(kept.first->list) && kept.first->size == size &&
	    memcmp(kept.first->bytes, bytes, size) == 0)
		return 0;
	r = verity_denylist_read(bytes, size, trust->keyring, trust->denylist, &denylist,
				 err);
	if (r == 0)
		r = check_number(trust, denylist, &replaced, err);
	if (r == 0 && trust->record_fd < 0)
		r = fail_without_persist(err);
	if (r == 0)
		r = write_lists(trust, &kept, bytes, size, err);
	if (r < 0)
		return r;
	trust->denylist_whole = true;
	use_denylist(trust, steal_ptr(&denylist));
	trust->floors.denylist = vouched_number(trust);
	trust->floors_changed = trust->number_set = true;
	/* It is in force also where this fails; overlay_trust_keep() tries again. */
	(void)!keep_locked(trust, NULL);
	*ret_replaced = replaced;
	return 1;
}
