/* SPDX-License-Identifier: MIT */

/* Writes and cancels the request that the next boot carries out. */

#include "installer/device/reset_request.h"

#include <unistd.h>

#include "factory/journal.h"
#include "installer/common/report.h"
#include "installer/device/audit.h"
#include "installer/device/next_boot.h"
#include "installer/device/reset_allowed.h"

/* What the boot configuration asks for is cancelled where this can write it. */
static int cancel_bootkey(struct device *device, bool *ret_cleared,
			  struct verity_error *err)
{
	static const char still[] =
		"factory-reset: still requested by the boot configuration";
	const struct overlay_config *config = device_config(device);
	struct overlay_bootconf conf, uboot;
	struct next_boot next;
	int r = overlay_bootconf_read(config->uboot_env, config->cmdline, &conf, err);

	*ret_cleared = false;
	/* The kernel command line hides it, but need not do so at the next boot. */
	if (r == 0)
		r = overlay_bootconf_read(config->uboot_env, NULL, &uboot, err);
	if (r < 0)
		return verity_context(err, r,
				      "factory-reset: not known whether the boot "
				      "configuration requests one");
	next_boot_read(device, &next);
	if (uboot.factory_reset) {
		r = overlay_bootconf_set(config->uboot_env, OVERLAY_BOOT_FACTORY_RESET,
					 NULL, ret_cleared, err);
		if (r < 0 && *ret_cleared)
			return r;
		/* One that was carried out already does nothing. */
		if (r < 0 && next.rules.resets)
			return verity_context(err, r, "%s", still);
		if (r < 0 &&
		    conf.origin[OVERLAY_BOOT_FACTORY_RESET] == OVERLAY_BOOT_CMDLINE)
			report_warning("%s=1 stays in the U-Boot environment, hidden by "
				       "the kernel command line: %s",
				       overlay_bootkey_name(OVERLAY_BOOT_FACTORY_RESET),
				       err->message);
	}
	return next.rules.resets && conf.origin[OVERLAY_BOOT_FACTORY_RESET] ==
					    OVERLAY_BOOT_CMDLINE
		       ? verity_fail(err, VERITY_E_UNSUPPORTED,
				     "%s (remove %s=1 from the kernel command line)",
				     still,
				     overlay_bootkey_name(OVERLAY_BOOT_FACTORY_RESET))
		       : 0;
}

int reset_request_cancel(struct device *device, bool *ret, struct verity_error *err)
{
	const struct overlay_audit_entry entry = {.event = OVERLAY_AUDIT_RESET,
						  .detail = "cancelled"};
	struct factory_journal journal = {.step = FACTORY_ASKED};
	bool there = false, cleared;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r == 0 && record >= 0)
		r = factory_journal_load(record, &journal, &there, err);
	if (r == 0 && journal.step != FACTORY_ASKED)
		r = verity_fail(
			err, VERITY_E_UNSUPPORTED,
			"factory-reset: it was begun, and the next reboot continues it");
	if (r == 0 && there)
		r = factory_journal_close(record, err);
	if (r < 0)
		return r;
	r = cancel_bootkey(device, &cleared, err);
	if (there || cleared)
		audit_add(device, &entry);
	if (r == 0)
		*ret = there || cleared;
	return r;
}

static int write_request(struct device *device, bool purge, struct verity_error *err)
{
	const struct factory_journal asked = {.step = FACTORY_ASKED, .purge = purge};
	struct factory_journal before = {.step = FACTORY_ASKED};
	struct verity_error unused;
	bool there = true;
	int record;
	int r = device_record_fd(device, &record, err);

	if (r < 0)
		return r;
	if (record < 0)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "factory-reset: there is no PERSIST to write the "
				   "request to (check 'persist' in the configuration)");
	if (factory_journal_load(record, &before, &there, &unused) < 0)
		there = true;
	r = factory_journal_store(record, &asked, err);
	/* What is told to have failed must not take place. */
	if (r < 0 && !there)
		(void)!factory_journal_close(record, &unused);
	return r < 0 ? verity_context(err, r, "persist") : 0;
}

static void audit(struct device *device, bool purge, const struct verity_error *reason)
{
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_RESET,
		.detail = reason  ? NULL
			  : purge ? "purge requested"
				  : "requested",
		.reason = reason,
	};

	audit_add(device, &entry);
}

int reset_request(struct device *device, bool purge, struct verity_error *err)
{
	int r = write_request(device, purge, err);

	if (r == 0)
		audit(device, purge, NULL);
	return r;
}

int reset_request_allowed(struct device *device, bool purge, struct verity_error *err)
{
	int r = reset_allowed(device_config(device), err);

	/* Only root can write to the log. */
	if (r < 0 && geteuid() == 0)
		audit(device, purge, err);
	return r;
}
