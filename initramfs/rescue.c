/* SPDX-License-Identifier: MIT */
#include "initramfs/rescue.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include "initramfs/log.h"
#include "initramfs/mount_stack.h"
#include "overlay/config/config.h"
#include "overlay/record/state.h"
#include "overlay/stack/layers_dir.h"
#include "verity/util/cleanup.h"

static bool state_exists(const struct overlay_config *config)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/" OVERLAY_STATE_FILE, config->run);
	return access(path, F_OK) == 0;
}

/* The layers go where nothing is stacked on them any more. */
static int take_down(const struct overlay_config *config, const char *root,
		     struct verity_error *err)
{
	char layers[PATH_MAX];
	int r = stacking_take_down(config, root, err);

	if (r < 0)
		return r;
	snprintf(layers, sizeof(layers), "%s/layers", config->run);
	r = overlay_layers_clean(layers, err);
	return r < 0 ? r : 0;
}

void rescue_run(const char *config_path, const char *root, const struct verity_error *why)
{
	cleanup_with(overlay_config_free) struct overlay_config config = {.data = NULL};
	struct overlay_state state = {.stack = *why};
	struct verity_error err;

	/* Without a configuration the worker did nothing either, and nor is there a
	 * state.
	 */
	if (overlay_config_load(config_path, &config, NULL) < 0 || state_exists(&config))
		return;
	overlay_identity_read(&config, root, &state.identity);
	if (take_down(&config, root, &err) < 0 ||
	    overlay_state_write(config.run, &state, &err) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", err.message);
}
