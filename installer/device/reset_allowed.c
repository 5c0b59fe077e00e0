/* SPDX-License-Identifier: MIT */

/* Checks who asks for a factory reset. */

#include "installer/device/reset_allowed.h"

#include <unistd.h>

#include "installer/device/serial_console.h"

int reset_allowed(const struct overlay_config *config, struct verity_error *err)
{
	if (geteuid() != 0)
		return verity_fail(err, VERITY_E_PERMISSION,
				   "factory-reset: only root may request one (become "
				   "root)");
	if (config->console_only && !serial_console_is_ours("/proc/self/stat", "/sys"))
		return verity_fail(err, VERITY_E_PERMISSION,
				   "factory-reset: allowed only on the serial console of "
				   "this device (log in there, or request it with the "
				   "bootloader)");
	return 0;
}
