/* SPDX-License-Identifier: MIT */
/* For devices without U-Boot: there is no environment. */
#include "overlay/config/uboot.h"

bool overlay_uboot_exists(const char *config)
{
	(void)config;
	return false;
}

int overlay_uboot_read(const char *config, const char *const names[], size_t count,
		       char *ret[], struct verity_error *err)
{
	(void)config;
	(void)names;
	(void)err;
	for (size_t i = 0; i < count; i++)
		ret[i] = NULL;
	return 0;
}

int overlay_uboot_write(const char *config, const char *name, const char *value,
			bool *ret_counts, struct verity_error *err)
{
	*ret_counts = false;
	(void)config;
	(void)name;
	(void)value;
	return verity_fail(err, VERITY_E_UNSUPPORTED,
			   "this wmopkg was built without U-Boot (set it on the kernel "
			   "command line)");
}
