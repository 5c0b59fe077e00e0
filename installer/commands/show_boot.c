/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <unistd.h>

#include "installer/commands/show.h"
#include "installer/device/timeline.h"
#include "verity/util/cleanup.h"

static void state_free_p(struct overlay_state *state)
{
	overlay_state_free(state);
}

static void timeline_free_p(struct timeline *timeline)
{
	timeline_free(timeline);
}

static int read_state(struct device *device, struct overlay_state *ret,
		      struct verity_error *err)
{
	int r = overlay_state_read(device_config(device)->run, ret, err);

	if (r == -ENOENT)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "nothing was activated in this boot, so there is "
				   "nothing to tell of it (wmopkg-activate, which the "
				   "initramfs runs, did not end; the kernel log may say "
				   "why)");
	return r;
}

static int print(const struct timeline *timeline, enum show_boot as,
		 struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);

	switch (as) {
	case SHOW_BOOT_JSON:
		return timeline_print_json(stdout, timeline, err);
	case SHOW_BOOT_SVG:
		return timeline_print_svg(stdout, timeline, err);
	case SHOW_BOOT_TEXT:
		break;
	}
	timeline_print(stdout, &layout, timeline);
	return 0;
}

enum exit_status show_boot(struct device *device, enum show_boot as)
{
	cleanup_with(state_free_p) struct overlay_state state = {0};
	cleanup_with(timeline_free_p) struct timeline timeline = {0};
	struct verity_error err;
	int r = read_state(device, &state, &err);

	if (r == 0)
		r = timeline_new(&state, &timeline, &err);
	if (r == 0)
		r = print(&timeline, as, &err);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
