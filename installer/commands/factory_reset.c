/* SPDX-License-Identifier: MIT */

/* `wmopkg factory-reset`: writes the request that the next boot carries out. */

#include <stdio.h>
#include <unistd.h>

#include "factory/filesystem.h"
#include "factory/journal.h"
#include "installer/commands/commands.h"
#include "installer/commands/confirm.h"
#include "installer/device/audit.h"
#include "installer/device/reset_allowed.h"

static int request(struct device *device, struct verity_error *err)
{
	const struct factory_journal asked = {.step = FACTORY_ASKED};
	int record;
	int r = device_record_fd(device, &record, err);

	if (r < 0)
		return r;
	if (record < 0)
		return verity_fail(err, VERITY_E_UNSUPPORTED,
				   "factory-reset: there is no PERSIST to write the "
				   "request to (check the configuration)");
	r = factory_journal_store(record, &asked, err);
	return r < 0 ? verity_context(err, r, "persist") : 0;
}

/* With the program of the firmware, so that its services are stopped properly. */
static int reboot_device(struct verity_error *err)
{
	static const char *const paths[] = {"/sbin/reboot", "/usr/sbin/reboot", NULL};
	const struct factory_program reboot = {
		.paths = paths, .words = {"reboot"}, .common = true};
	int r;

	fflush(stdout);
	r = factory_program_run(&reboot, err);
	if (r == 0)
		return 0;
	(void)verity_context(err, 0, "the reset is requested, but not the reboot");
	return r < 0 ? r : -1;
}

static void audit(struct device *device, const struct verity_error *reason)
{
	const struct overlay_audit_entry entry = {
		.event = OVERLAY_AUDIT_RESET,
		.detail = reason ? NULL : "requested",
		.reason = reason,
	};

	audit_add(device, &entry);
}

enum exit_status command_factory_reset(struct device *device, const struct words *words)
{
	struct verity_error err;
	int answer = 1;

	if (reset_allowed(device_config(device), &err) < 0) {
		/* Only root can write to the log. */
		if (geteuid() == 0)
			audit(device, &err);
		return report_error(NULL, &err);
	}
	if (!words_has(words, WORD_YES))
		answer = confirm("factory-reset",
				 "Reset to factory, deleting all but persistent packages",
				 "Nothing reset.", &err);
	if (answer == 0)
		return STATUS_FAILED;
	if (answer < 0 || request(device, &err) < 0)
		return report_error(NULL, &err);
	audit(device, NULL);
	if (!words_has(words, WORD_REBOOT)) {
		puts("Factory reset requested... It takes place at the next reboot.");
		return STATUS_DONE;
	}
	puts("Factory reset requested... Rebooting.");
	return reboot_device(&err) == 0 ? STATUS_DONE : report_error(NULL, &err);
}
