/* SPDX-License-Identifier: MIT */

/* `wmopkg show boot`: how long each step of the last boot took. */

#include <errno.h>
#include <unistd.h>

#include "installer/commands/show_boot.h"
#include "installer/device/timeline.h"
#include "verity/util/cleanup.h"

enum exit_status show_boot(struct device *device, enum show_boot format)
{
	cleanup_with(overlay_state_free) struct overlay_state state = {0};
	cleanup_with(timeline_free) struct timeline timeline = {0};
	const struct layout layout = layout_of(STDOUT_FILENO);
	struct verity_error err;
	int r = overlay_state_read(device_config(device)->run, &state, &err);

	if (r == -ENOENT)
		verity_fail(&err, VERITY_E_NOT_FOUND,
			    "nothing was activated in this boot, so there is nothing to "
			    "show (wmopkg-activate, which the initramfs runs, did not "
			    "complete; see: dmesg | grep wmopkg)");
	if (r == 0)
		r = timeline_new(&state, &timeline, &err);
	if (r == 0 && format == SHOW_BOOT_JSON)
		r = timeline_print_json(stdout, &timeline, &err);
	else if (r == 0 && format == SHOW_BOOT_SVG)
		r = timeline_print_svg(stdout, &timeline, &err);
	else if (r == 0)
		timeline_print(stdout, &layout, &timeline);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
