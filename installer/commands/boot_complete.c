/* SPDX-License-Identifier: MIT */

/* `wmopkg boot-complete`: this boot has passed the trial of its packages. */

#include <errno.h>
#include <limits.h>
#include <stdio.h>

#include "installer/commands/commands.h"
#include "overlay/record/record.h"
#include "overlay/record/trials.h"
#include "overlay/store/volume.h"
#include "verity/util/cleanup.h"

enum exit_status command_boot_complete(struct device *device, const struct words *words)
{
	cleanup_with(overlay_trials_free) struct overlay_trials trials = {0};
	const struct overlay_config *config = device_config(device);
	const struct overlay_state *state = device_state(device);
	char mountpoint[PATH_MAX];
	cleanup_fd int persist = -1;
	cleanup_fd int record = -1;
	cleanup_fd int lock = -1;
	struct verity_error err;
	int r;

	(void)words;
	/* Without a state or a record there are no trials: no failure. */
	if (!state)
		return STATUS_DONE;
	/* Not device_record_fd(), whose warning of a missing PERSIST nobody reads here.
	 */
	snprintf(mountpoint, sizeof(mountpoint), "%s/persist", config->run);
	r = overlay_volume_open(config->persist, mountpoint, &persist, &err);
	if (r < 0)
		verity_context(&err, r, "persist");
	else
		r = overlay_record_open(persist, false, &record, &err);
	if (r == -ENOENT)
		return STATUS_DONE;
	if (r == 0)
		r = overlay_trials_lock(record, &lock, &err);
	if (r == 0)
		r = overlay_trials_load(record, &trials, &err);
	if (r == 0 && overlay_trials_complete(&trials, state))
		r = overlay_trials_store(record, &trials, &err);
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
