/* SPDX-License-Identifier: MIT */
/* Keeps the newest signed set, and refuses older ones. */
#include "overlay/record/newest_set.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "overlay/record/record.h"
#include "verity/statement/statement.h"
#include "verity/util/debug.h"

/* Return: 0; -ENOENT where none that counts is kept; -errno. */
static int load(int record_fd, const struct verity_policy *policy,
		struct verity_signed_set **ret, struct verity_error *err)
{
	struct verity_error why;
	cleanup_free char *bytes = NULL;
	size_t size;
	int r = overlay_record_load(record_fd, OVERLAY_RECORD_SET,
				    VERITY_STATEMENT_FILE_MAX, &bytes, &size, &why);

	if (r == 0)
		r = verity_signed_set_read(bytes, size, policy->keyring, policy->denylist,
					   ret, &why);
	if (r == 0 || r == -ENOENT)
		return r;
	/* What is damaged, or was written by somebody else, is a hint at most. */
	verity_debug("the newest set is not known: %s", why.message);
	if (r == -EKEYREJECTED || r == -EKEYREVOKED || overlay_record_is_damage(r))
		return -ENOENT;
	*err = why;
	return verity_context(err, r, "newest set");
}

int overlay_newest_set_check(int record_fd, const struct verity_policy *policy,
			     const struct verity_signed_set *set,
			     struct verity_error *err)
{
	cleanup_with(verity_signed_set_free_p) struct verity_signed_set *kept = NULL;
	uint32_t number = verity_signed_set_content(set)->number, ours;
	int r = record_fd < 0 ? -ENOENT : load(record_fd, policy, &kept, err);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	ours = verity_signed_set_content(kept)->number;
	if (number < ours)
		return verity_fail(err, VERITY_E_OLD_SET,
				   "its number is %" PRIu32
				   ", and this device has applied number %" PRIu32,
				   number, ours);
	if (number == ours &&
	    memcmp(verity_signed_set_digest(set), verity_signed_set_digest(kept),
		   VERITY_DIGEST_BYTES) != 0)
		return verity_fail(err, VERITY_E_OLD_SET,
				   "this device has applied another set with its number, "
				   "%" PRIu32,
				   number);
	return 0;
}

int overlay_newest_set_keep(int record_fd, const struct verity_policy *policy,
			    const struct verity_signed_set *set, const void *bytes,
			    size_t size, struct verity_error *err)
{
	cleanup_free char *present = NULL;
	cleanup_fd int lock = -1;
	size_t present_size;
	int r;

	if (record_fd < 0)
		return 0;
	r = overlay_record_lock(record_fd, "newest set", false, &lock, err);
	if (r == 0)
		r = overlay_newest_set_check(record_fd, policy, set, err);
	if (r < 0)
		return r;
	/* It is applied again and again: flash is not written for that. */
	if (overlay_record_load(record_fd, OVERLAY_RECORD_SET, VERITY_STATEMENT_FILE_MAX,
				&present, &present_size, NULL) == 0 &&
	    present_size == size && memcmp(present, bytes, size) == 0)
		return 0;
	r = overlay_record_put(record_fd, OVERLAY_RECORD_SET, bytes, size, err);
	return r < 0 ? verity_context(err, r, "newest set") : 0;
}
