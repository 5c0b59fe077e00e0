/* SPDX-License-Identifier: MIT */
#include "initramfs/rescue.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/mount.h>
#include <unistd.h>

#include "initramfs/log.h"
#include "overlay/config.h"
#include "overlay/layers.h"
#include "overlay/stack.h"
#include "overlay/state.h"
#include "verity/cleanup.h"

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
	enum overlay_stack_found found = OVERLAY_STACK_NONE;
	char layers[PATH_MAX];
	int r = overlay_stack_find(root, &found, err);

	if (r == 0 && found == OVERLAY_STACK_OURS &&
	    umount2(root, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		r = verity_fail_errno(err, errno, "%s", root);
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
	if (take_down(&config, root, &err) < 0 ||
	    overlay_state_write(config.run, &state, &err) < 0)
		log_line(LOG_LEVEL_WARNING, "%s", err.message);
}
