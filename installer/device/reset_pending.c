/* SPDX-License-Identifier: MIT */

/* A factory reset that is not done yet. */

#include "installer/device/reset_pending.h"

#include "factory/journal.h"
#include "installer/common/report.h"
#include "installer/device/next_boot.h"

#define TO_CANCEL " (to cancel it: wmopkg factory-reset cancel)"

enum reset_pending reset_pending_read(struct device *device)
{
	struct factory_journal journal;
	struct verity_error unused;
	struct next_boot next;
	bool there = false;
	int record = -1;

	if (device_record_find(device, &record, &unused) < 0 || record < 0 ||
	    factory_journal_load(record, &journal, &there, &unused) < 0)
		return RESET_NONE;
	if (there && journal.purge)
		return journal.step == FACTORY_ASKED ? RESET_PURGE_REQUESTED
						     : RESET_PURGE_BEGUN;
	if (there)
		return journal.step == FACTORY_ASKED ? RESET_REQUESTED : RESET_BEGUN;
	/* The next boot looks there where there is no file. */
	next_boot_read(device, &next);
	return next.rules.resets ? RESET_BOOT_CONFIG : RESET_NONE;
}

static const char *how_to_cancel(struct device *device)
{
	struct next_boot next;

	next_boot_read(device, &next);
	return next.bootconf.origin[OVERLAY_BOOT_FACTORY_RESET] == OVERLAY_BOOT_UBOOT
		       ? TO_CANCEL
		       : " (to cancel it: remove wmopkg.factory_reset=1 from the kernel "
			 "command line)";
}

void reset_pending_warn(struct device *device)
{
	switch (reset_pending_read(device)) {
	case RESET_NONE:
		break;
	case RESET_BOOT_CONFIG:
		report_warning(
			"a factory reset is requested by the boot configuration: the "
			"next reboot deletes all but persistent packages%s",
			how_to_cancel(device));
		break;
	case RESET_REQUESTED:
		report_warning(
			"a factory reset is requested: the next reboot deletes all but "
			"persistent packages" TO_CANCEL);
		break;
	case RESET_BEGUN:
		report_warning("a factory reset was begun and is not finished: the next "
			       "reboot continues it (the kernel log says why)");
		break;
	case RESET_PURGE_REQUESTED:
		report_warning("a purge is requested: the next reboot deletes everything "
			       "on DATA and PERSIST, also persistent packages" TO_CANCEL);
		break;
	case RESET_PURGE_BEGUN:
		report_warning(
			"a purge is not finished: the next reboot deletes "
			"everything on DATA and PERSIST, also persistent packages");
		break;
	}
}
