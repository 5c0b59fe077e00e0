/* SPDX-License-Identifier: MIT */

/* `wmopkg retry`: ends the quarantine of a package. */

#include <errno.h>
#include <stdio.h>

#include "installer/commands/commands.h"
#include "installer/device/audit.h"
#include "installer/device/end_quarantine.h"
#include "installer/device/installed.h"

enum exit_status command_retry(struct device *device, const struct words *words)
{
	const char *typed = words->values[WORD_NAME];
	const char *name = typed;
	char buffer[VERITY_NAME_MAX + 1];
	struct overlay_entry entry;
	const struct overlay_audit_entry retried = {.event = OVERLAY_AUDIT_RETRY,
						    .package = &entry};
	struct overlay_store *store;
	struct verity_error err;
	int r = device_store(device, &store, &err);

	if (r == 0) {
		name = installed_name(store, typed, buffer);
		r = overlay_store_find(store, name, &entry, &err);
		if (r == -ENOENT)
			r = installed_fail_unknown(store, typed, &err);
		if (r == 0)
			r = end_quarantine(device, name, NULL, &err);
		if (r == 0)
			r = verity_fail(&err, VERITY_E_UNSUPPORTED,
					"%s: it is not quarantined", name);
	}
	if (r < 0)
		return report_error(NULL, &err);
	audit_add(device, &retried);
	printf("%s is tried again at the next boot.\n", name);
	return STATUS_DONE;
}
