/* SPDX-License-Identifier: MIT */

/* `wmopkg retry`: ends the quarantine of a package. */

#include "installer/commands/retry.h"

#include <errno.h>
#include <stdio.h>

#include "installer/commands/commands.h"
#include "installer/device/audit.h"
#include "installer/device/end_quarantine.h"
#include "installer/device/installed.h"

int retry_run(struct device *device, const char *typed,
	      char ret[static VERITY_NAME_MAX + 1], struct verity_error *err)
{
	char buffer[VERITY_NAME_MAX + 1];
	const char *name;
	struct overlay_entry entry;
	const struct overlay_audit_entry retried = {.event = OVERLAY_AUDIT_RETRY,
						    .package = &entry};
	struct overlay_store *store;
	int r = device_store(device, &store, err);

	if (r < 0)
		return r;
	name = installed_name(store, typed, buffer);
	r = overlay_store_find(store, name, &entry, err);
	if (r == -ENOENT)
		r = installed_fail_unknown(store, typed, err);
	if (r == 0)
		r = end_quarantine(device, name, NULL, err);
	if (r == 0)
		r = verity_fail(err, VERITY_E_UNSUPPORTED, "%s: it is not quarantined",
				name);
	if (r < 0)
		return r;
	audit_add(device, &retried);
	snprintf(ret, VERITY_NAME_MAX + 1, "%s", name);
	return 0;
}

enum exit_status command_retry(struct device *device, const struct words *words)
{
	char name[VERITY_NAME_MAX + 1];
	struct verity_error err;

	if (retry_run(device, words->values[WORD_NAME], name, &err) < 0)
		return report_error(NULL, &err);
	report_line("%s is tried again at the next boot.", name);
	return STATUS_DONE;
}
