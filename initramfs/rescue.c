/* SPDX-License-Identifier: MIT */
/* Restores the root after a worker that ended before it was done. */
#include "initramfs/rescue.h"

#include <limits.h>
#include <stdio.h>

#include "initramfs/mount_stack.h"
#include "overlay/stack/layers_dir.h"

void rescue_run(const char *config_path, const char *root, const struct verity_error *why)
{
	cleanup_with(overlay_config_free) struct overlay_config config = {.data = NULL};
	struct overlay_state state = {.stack = *why};
	struct verity_error err;
	char layers[PATH_MAX];
	int r;

	/* Without a configuration the worker did nothing either, and there is no state.
	 */
	if (overlay_config_load(config_path, &config, NULL) < 0 ||
	    boot_has_state(&config))
		return;
	overlay_anchor_find(config.anchor, &state.anchor);
	overlay_identity_read(&config, root, &state.identity);
	/* The layers once nothing is stacked on them any more. */
	snprintf(layers, sizeof(layers), "%s/layers", config.run);
	r = stack_take_down(&config, root, &err);
	if (r == 0)
		r = overlay_layers_clean(layers, &err);
	if (r < 0 || overlay_state_write(config.run, &state, &err) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", err.message);
}
