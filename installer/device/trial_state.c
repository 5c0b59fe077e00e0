/* SPDX-License-Identifier: MIT */

/* Reads how far the trial of a package is. */

#include "installer/device/trial_state.h"

#include <string.h>

#include "overlay/record/trials.h"
#include "verity/util/cleanup.h"

void trial_find(struct device *device, const struct installed *item, struct trial *ret)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	unsigned limit = device_config(device)->trials;
	const struct overlay_trial *trial = NULL;
	struct verity_error unused;
	const uint8_t *id;
	int record;

	*ret = (struct trial){.state = TRIAL_NONE};
	if (!item->package || limit == 0 ||
	    device_record_find(device, &record, &unused) < 0 ||
	    overlay_trials_load(record, &trials, &unused) < 0)
		return;
	id = verity_package_judgement(item->package)->id;
	for (size_t i = 0; i < trials.count && !trial; i++)
		if (memcmp(trials.items[i].id, id, VERITY_DIGEST_BYTES) == 0 &&
		    trials.items[i].entry.kind == item->entry.kind &&
		    strcmp(trials.items[i].entry.name, item->entry.name) == 0)
			trial = &trials.items[i];
	if (!trial && item->status == INSTALLED_PENDING) {
		ret->state = TRIAL_COMING;
	} else if (trial && trial->state != OVERLAY_TRIAL_QUARANTINED &&
		   trial->suspicion != OVERLAY_SUSPICION_NONE) {
		ret->state = TRIAL_SUSPECT;
	} else if (trial && trial->state == OVERLAY_TRIAL_RUNNING) {
		ret->state = TRIAL_RUNNING;
		if (limit > trial->incomplete)
			ret->boots_left = limit - trial->incomplete;
	} else if (trial) {
		ret->state = trial->state == OVERLAY_TRIAL_QUARANTINED ? TRIAL_QUARANTINED
								       : TRIAL_PASSED;
	}
}
