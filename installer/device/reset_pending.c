/* SPDX-License-Identifier: MIT */

/* Warns of a factory reset that is not done yet. */

#include "installer/device/reset_pending.h"

#include "factory/journal.h"
#include "installer/common/report.h"
#include "installer/device/next_boot.h"

#define TO_CANCEL " (to cancel it: wmopkg factory-reset cancel)"

/* By the boot configuration; the next boot looks there where there is no file. */
static void warn_of_bootkey(struct device *device)
{
	struct next_boot next;

	next_boot_read(device, &next);
	if (next.rules.resets)
		report_warning(
			"a factory reset is requested by the boot configuration: the "
			"next reboot deletes all but persistent packages%s",
			next.bootconf.origin[OVERLAY_BOOT_FACTORY_RESET] ==
					OVERLAY_BOOT_UBOOT
				? TO_CANCEL
				: " (to cancel it: remove wmopkg.factory_reset=1 from "
				  "the kernel command line)");
}

void reset_pending_warn(struct device *device)
{
	struct factory_journal journal;
	struct verity_error unused;
	bool there = false;
	int record = -1;

	if (device_record_find(device, &record, &unused) < 0 || record < 0 ||
	    factory_journal_load(record, &journal, &there, &unused) < 0)
		return;
	if (!there)
		warn_of_bootkey(device);
	else if (journal.purge)
		report_warning("a purge is %s: the next reboot deletes everything on "
			       "DATA and PERSIST, also persistent packages%s",
			       journal.step == FACTORY_ASKED ? "requested"
							     : "not finished",
			       journal.step == FACTORY_ASKED ? TO_CANCEL : "");
	else if (journal.step == FACTORY_ASKED)
		report_warning(
			"a factory reset is requested: the next reboot deletes all but "
			"persistent packages" TO_CANCEL);
	else
		report_warning("a factory reset was begun and is not finished: the next "
			       "reboot continues it (the kernel log says why)");
}
