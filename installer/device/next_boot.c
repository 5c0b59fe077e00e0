/* SPDX-License-Identifier: MIT */

/* Reads what the rules of a boot depend on. */

#include "installer/device/next_boot.h"

#include "factory/journal.h"
#include "installer/common/report.h"

void next_boot_read(struct device *device, struct next_boot *ret)
{
	const struct overlay_config *config = device_config(device);
	struct factory_journal journal;
	struct verity_error unused;
	int record = -1;

	*ret = (struct next_boot){.rules.bootconf = &ret->bootconf};
	(void)!overlay_bootconf_read(config->uboot_env, config->cmdline, &ret->bootconf,
				     NULL);
	if (device_record_find(device, &record, &unused) < 0)
		record = -1;
	/* Without PERSIST a reset is refused. */
	ret->rules.resets =
		record >= 0 &&
		factory_journal_due(record, ret->bootconf.factory_reset, &journal);
	ret->rules.purges = ret->rules.resets && journal.purge;
}

void next_boot_warn(struct device *device, const struct overlay_entry *entry)
{
	struct next_boot next;
	struct verity_error why;

	next_boot_read(device, &next);
	/* A reset has a warning of its own. */
	next.rules.resets = next.rules.purges = false;
	if (overlay_boot_rules_check(&next.rules, entry, NULL, &why) < 0)
		report_warning("%s: not active after reboot: %s (%s)", entry->name,
			       why.message, verity_code_hint(why.code));
}
