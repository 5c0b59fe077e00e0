/* SPDX-License-Identifier: MIT */

/* Removes a package from the record of quarantined ones. */

#include "installer/device/end_quarantine.h"

#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

int end_quarantine(struct device *device, const char *name, const uint8_t *id,
		   struct verity_error *err)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	cleanup_fd int lock = -1;
	int record = -1;
	size_t count;
	int r = device_record_fd(device, &record, err);

	if (r == 0)
		r = overlay_trials_lock(record, &lock, err);
	if (r == 0)
		r = overlay_trials_load(record, &trials, err);
	if (r < 0)
		return r;
	count = overlay_trials_forget(&trials, name, id);
	if (count > 0)
		r = overlay_trials_store(record, &trials, err);
	return r < 0 ? r : (int)count;
}
