/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "overlay/record/record.h"
#include "overlay/record/trust_private.h"
#include "verity/statement/statement.h"
#include "verity/util/cleanup.h"

static int fail_no_record(struct verity_error *err)
{
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "there is no PERSIST to keep it on (key persist of the "
			   "configuration)");
}

/*
 * Nobody else writes until @ret is closed, and what others have written since ours was
 * read counts: it may be a newer deny list, or one that denies a key which ours does not.
 */
static int begin(struct overlay_trust *trust, const char *what, int *ret,
		 struct verity_error *err)
{
	int r;

	if (trust->record_fd < 0)
		return 0;
	r = overlay_record_lock(trust->record_fd, what, false, ret, err);
	return r < 0 ? r : overlay_trust_refresh(trust, err);
}

/* What is no file would be in the way of every one to come. */
static int replace(const struct overlay_trust *trust, const char *name, const void *bytes,
		   size_t size, struct verity_error *err)
{
	int r;

	if (trust->record_fd < 0)
		return fail_no_record(err);
	r = overlay_record_clear_folder(trust->record_fd, name, err);
	return r < 0 ? r
		     : overlay_record_replace(trust->record_fd, name, bytes, size, err);
}

/* Both are in force, whatever becomes of the floors; these are tried again. */
static void try_to_keep(struct overlay_trust *trust)
{
	(void)!overlay_trust_keep_locked(trust, NULL);
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
	overlay_trust_see_time(trust, verity_unlock_signer(trust->unlock));
	overlay_trust_decide(trust);
	try_to_keep(trust);
	return 0;
}

static int remove_unlock(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = overlay_trust_record(trust, OVERLAY_RECORD_UNLOCK,
				     VERITY_STATEMENT_FILE_MAX, &bytes, &size, err);

	if (r == -ENOENT)
		return 0;
	r = overlay_record_clear_folder(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	if (r == 0)
		r = overlay_record_remove(trust->record_fd, OVERLAY_RECORD_UNLOCK, err);
	return r < 0 ? r : 1;
}

int overlay_trust_clear_unlock(struct overlay_trust *trust, struct verity_error *err)
{
	cleanup_fd int lock = -1;
	int r = begin(trust, "unlock statement", &lock, err);

	if (r == 0)
		r = remove_unlock(trust, err);
	if (r <= 0)
		return r;
	verity_unlock_free(steal_ptr(&trust->unlock));
	overlay_trust_decide(trust);
	return 1;
}

static bool is_kept(const struct overlay_trust *trust, const void *bytes, size_t size)
{
	cleanup_free char *kept = NULL;
	size_t kept_size;

	return trust->denylist &&
	       overlay_trust_record(trust, OVERLAY_RECORD_DENYLIST,
				    VERITY_STATEMENT_FILE_MAX, &kept, &kept_size,
				    NULL) == 0 &&
	       kept_size == size && memcmp(kept, bytes, size) == 0;
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

void overlay_trust_take_denylist(struct overlay_trust *trust,
				 struct verity_denylist *denylist)
{
	verity_denylist_free(trust->denylist);
	trust->denylist = denylist;
	trust->policy.denylist = denylist;
	/* It may deny the key of the unlock statement. */
	verity_unlock_free(steal_ptr(&trust->unlock));
	overlay_trust_load_unlock(trust);
	overlay_trust_decide(trust);
}

int overlay_trust_set_denylist(struct overlay_trust *trust, const void *bytes,
			       size_t size, struct verity_error *err)
{
	cleanup_with(verity_denylist_free_p) struct verity_denylist *denylist = NULL;
	cleanup_fd int lock = -1;
	int r = begin(trust, "deny list", &lock, err);

	/* It may deny the key that it was signed with itself. */
	if (r == 0 && is_kept(trust, bytes, size))
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
	overlay_trust_take_denylist(trust, steal_ptr(&denylist));
	overlay_trust_see_denylist(trust);
	try_to_keep(trust);
	return 1;
}
