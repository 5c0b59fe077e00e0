/* SPDX-License-Identifier: MIT */
/* Tells of a set of packages that was cut off, and cannot be completed yet. */
#include "installer/device/waiting_set.h"

#include "installer/common/report.h"
#include "overlay/store/change_set.h"

const struct verity_error *waiting_set_find(struct device *device)
{
	struct overlay_store *store;
	struct verity_error unused;

	return device_store(device, &store, &unused) < 0
		       ? NULL
		       : overlay_change_set_waiting(store);
}

void waiting_set_warn(struct device *device)
{
	const struct verity_error *why = waiting_set_find(device);

	if (why)
		report_warning("%s (%s)", why->message, verity_code_hint(why->code));
}
