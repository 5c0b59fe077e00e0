/* SPDX-License-Identifier: MIT */
#include "overlay/config/bootconf_private.h"

/* Built for devices that have no U-Boot: one that does not exist says as much. */
int overlay_bootconf_uboot(const char *config, struct overlay_bootconf *conf,
			   struct verity_error *err)
{
	(void)config;
	(void)conf;
	(void)err;
	return 0;
}

int overlay_bootconf_set(const char *uboot_env, enum overlay_bootkey key,
			 const char *value, struct verity_error *err)
{
	(void)uboot_env;
	(void)key;
	(void)value;
	return verity_fail(err, VERITY_E_UNSUPPORTED,
			   "this wmopkg was built without U-Boot: say it on the kernel "
			   "command line");
}
