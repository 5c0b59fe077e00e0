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

/* What a purge deletes, and what that means, before anybody says yes to it. */
static const char purge_text[] =
	"A purge deletes everything on DATA and PERSIST: all packages, also persistent ones,\n"
	"configuration and users, the audit log, known hosts, the unlock statement, the deny\n"
	"list and the floors. Rollback protection starts from zero: packages that were revoked\n"
	"or are too old can be installed again. The disk is not overwritten.\n";

static int request(struct device *device, bool purge, struct verity_error *err)
{
	const struct factory_journal asked = {.step = FACTORY_ASKED, .purge = purge};
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

enum exit_status command_factory_reset(struct device *device, const struct words *words)
{
	bool purge = words_has(words, WORD_PURGE);
	const char *what = purge ? "Purge" : "Factory reset";
	const char *question =
		purge ? "Purge this device, deleting all that it has and remembers"
		      : "Reset to factory, deleting all but persistent packages";
	struct verity_error err;
	int answer = 1;

	if (reset_allowed(device_config(device), &err) < 0) {
		/* Only root can write to the log. */
		if (geteuid() == 0)
			audit(device, purge, &err);
		return report_error(NULL, &err);
	}
	if (!words_has(words, WORD_YES)) {
		if (purge)
			fputs(purge_text, stdout);
		answer = confirm("factory-reset", question, "Nothing reset.", &err);
	}
	if (answer == 0)
		return STATUS_FAILED;
	if (answer < 0 || request(device, purge, &err) < 0)
		return report_error(NULL, &err);
	audit(device, purge, NULL);
	if (!words_has(words, WORD_REBOOT)) {
		printf("%s requested... It takes place at the next reboot.\n", what);
		return STATUS_DONE;
	}
	printf("%s requested... Rebooting.\n", what);
	return reboot_device(&err) == 0 ? STATUS_DONE : report_error(NULL, &err);
}
