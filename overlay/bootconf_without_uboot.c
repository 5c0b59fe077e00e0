/* SPDX-License-Identifier: MIT */
#include "overlay/bootconf_private.h"

/* Built for devices that have no U-Boot: one that does not exist says as much. */
int overlay_bootconf_uboot(const char *config, struct overlay_bootconf *conf,
			   struct verity_error *err)
{
	(void)config;
	(void)conf;
	(void)err;
	return 0;
}
