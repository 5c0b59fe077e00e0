/* SPDX-License-Identifier: MIT */

/*
 * `wmopkg boot-complete`: this boot has passed the trial of its packages, and what they
 * prove becomes a floor.
 */

#include <errno.h>

#include "installer/commands/commands.h"
#include "installer/common/report.h"
#include "overlay/record/audit.h"
#include "overlay/record/good_set.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

/*
 * Written only where it is another set than before; a hint, so a full volume is no
 * failure. What of it this boot did not look at stays in it.
 */
static int keep_good(int record, const struct overlay_state *state,
		     struct verity_error *err)
{
	cleanup_with(overlay_good_free) struct overlay_good_set before = {0}, set = {0};
	int r = overlay_good_load(record, &before, err);

	if (r == 0 || overlay_record_is_damage(r))
		r = overlay_good_take(state, &before, &set, err);
	if (r < 0 || overlay_good_equal(&before, &set))
		return r;
	r = overlay_good_store(record, &set, err);
	if (r != -ENOSPC && r != -EDQUOT)
		return r;
	report_warning("the last good set is not kept: %s", err->message);
	return 0;
}

static int pass_trials(int record, const struct overlay_state *state,
		       struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	cleanup_fd int lock = -1;
	uint64_t mark;
	int r = overlay_trials_lock(record, &lock, err);

	if (r < 0)
		return r;
	r = overlay_trials_load(record, &trials, err);
	mark = trials.audit_number;
	/* Also where the log is damaged, which `wmopkg audit` reports. */
	if (r == 0) {
		r = overlay_audit_mark(record, &trials.audit_number, trials.audit_digest,
				       err);
		if (r == -ENOENT || overlay_record_is_damage(r))
			r = 0;
	}
	/* A mark above the log is none that this device has written. */
	if (r == 0 &&
	    (overlay_trials_complete(&trials, state) || trials.audit_number < mark))
		r = overlay_trials_store(record, &trials, err);
	return r < 0 ? r : keep_good(record, state, err);
}

enum exit_status command_boot_complete(struct device *device, const struct words *words)
{
	const struct overlay_config *config = device_config(device);
	const struct overlay_state *state;
	cleanup_fd int persist = -1;
	cleanup_fd int record = -1;
	struct overlay_store *store;
	struct overlay_trust *trust;
	struct verity_error err;
	int r = device_state_find(device, &state, &err);

	(void)words;
	if (r < 0)
		return report_error(NULL, &err);
	/* Without a state or a record there are no trials: no failure. */
	if (!state)
		return STATUS_DONE;
	/* Not device_record_fd(), whose warning of a missing PERSIST nobody reads here.
	 */
	r = device_volume_open(config, "persist", config->persist, -1, &persist, &err);
	if (r < 0)
		verity_context(&err, r, "persist");
	else
		r = overlay_record_open(persist, false, &record, &err);
	if (r == -ENOENT)
		return STATUS_DONE;
	if (r == 0)
		r = pass_trials(record, state, &err);
	if (r == 0)
		r = device_trust_quiet(device, &trust, &err);
	/* A device without a key ring trusts nothing that could be remembered. */
	if (r < 0 && err.code == VERITY_E_KEYRING)
		return STATUS_DONE;
	if (r == 0)
		r = device_store(device, &store, &err);
	if (r == 0)
		r = overlay_trust_complete(trust, store, state, &err);
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
