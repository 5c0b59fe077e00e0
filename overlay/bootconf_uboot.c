/* SPDX-License-Identifier: MIT */
#include "overlay/bootconf_private.h"

#include <errno.h>
#include <libuboot.h>
#include <unistd.h>

#include "verity/cleanup.h"

DEFINE_CLEANUP(struct uboot_ctx, libuboot_exit);

/* Every one is asked for by its name: the environment may hold anything else. */
static void take_all(struct uboot_ctx *context, struct overlay_bootconf *conf)
{
	static const char *const names[] = {"wmopkg.allow_untrusted", "wmopkg.safe",
					    "wmopkg.disable", "wmopkg.media"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cleanup_free char *value = libuboot_get_env(context, names[i]);

		if (value)
			overlay_bootconf_take(names[i], value, conf);
	}
}

int overlay_bootconf_uboot(const char *config, struct overlay_bootconf *conf,
			   struct verity_error *err)
{
	cleanup_with(libuboot_exit_p) struct uboot_ctx *context = NULL;

	if (access(config, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (libuboot_initialize(&context, NULL) < 0)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	if (libuboot_read_config(context, config) < 0)
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: %s names no place that could "
				   "hold one",
				   config);
	if (libuboot_open(context) < 0)
		return verity_fail(err, VERITY_E_IO,
				   "U-Boot environment: no valid copy where %s says",
				   config);
	take_all(context, conf);
	libuboot_close(context);
	return 0;
}
