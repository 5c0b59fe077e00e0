/* SPDX-License-Identifier: MIT */
#include "installer/device/reset_allowed.h"

#include <unistd.h>

#include "installer/device/serial_console.h"

int reset_allowed(const struct overlay_config *config, struct verity_error *err)
{
	if (geteuid() != 0)
		return verity_fail(err, VERITY_E_PERMISSION,
				   "factory-reset: only root may ask for one (become "
				   "root)");
	if (config->console_only && !serial_console_is_ours("/proc/self/stat", "/sys"))
		return verity_fail(err, VERITY_E_PERMISSION,
				   "factory-reset: this device takes it from its serial "
				   "console alone (log in there, or have the bootloader "
				   "ask for it)");
	return 0;
}
