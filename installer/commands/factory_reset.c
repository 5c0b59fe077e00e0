/* SPDX-License-Identifier: MIT */

/* `wmopkg factory-reset`: writes the request that the next boot carries out. */

#include "installer/commands/factory_reset.h"

#include <stdio.h>
#include <unistd.h>

#include "factory/filesystem.h"
#include "factory/journal.h"
#include "installer/commands/commands.h"
#include "installer/commands/confirm.h"
#include "installer/common/layout.h"
#include "installer/device/audit.h"
#include "installer/device/next_boot.h"
#include "installer/device/reboot.h"
#include "installer/device/reset_allowed.h"
#include "verity/util/text.h"

#define INDENT     2
#define LINE_BYTES 2048

/* What a purge deletes, and what that means, before anybody says yes to it. */
static const char purge_text[] =
	"A purge deletes everything on DATA and PERSIST: all packages, also persistent ones, "
	"configuration and users, the audit log, known hosts, the unlock statement, the deny "
	"list and the floors. Rollback protection starts from zero: packages that were "
	"revoked or are too old can be installed again. The disk is not overwritten.";

/* "2 packages: alpha, beta", or "no package". */
static void print_packages(const struct layout *layout, const char *text,
			   const char *adjective, const struct overlay_entry *entries,
			   size_t all, enum overlay_store_kind kind)
{
	char line[LINE_BYTES];
	size_t count = 0;

	for (size_t i = 0; i < all; i++)
		count += entries[i].kind == kind;
	snprintf(line, sizeof(line), "%s, and ", text);
	if (count == 0)
		verity_text_append(line, sizeof(line), "no %spackage", adjective);
	else
		verity_text_append(line, sizeof(line), "%zu %spackage%s", count,
				   adjective, count > 1 ? "s" : "");
	for (size_t i = 0, shown = 0; i < all; i++)
		if (entries[i].kind == kind)
			verity_text_append(line, sizeof(line), "%s%s",
					   shown++ ? ", " : ": ", entries[i].name);
	layout_print(stdout, layout, INDENT, line);
}

int reset_question(struct device *device, const char *command, bool yes, bool *purge,
		   struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_free struct overlay_entry *entries = NULL;
	struct overlay_store *store;
	struct next_boot next;
	size_t count = 0;
	int r;

	next_boot_read(device, &next);
	if (!*purge && next.rules.purges) {
		report_warning("a purge is requested already, and stays requested: the "
			       "next reboot deletes everything on DATA and PERSIST (to "
			       "cancel it: wmopkg factory-reset cancel)");
		*purge = true;
	}
	if (yes)
		return 1;
	if (*purge) {
		layout_print(stdout, &layout, 0, purge_text);
		return confirm(
			command,
			"Purge this device, deleting all that it has and remembers",
			"Nothing reset.", err);
	}
	r = device_store(device, &store, err);
	if (r == 0)
		r = overlay_store_list(store, &entries, &count, err);
	if (r < 0)
		return r;
	print_packages(&layout,
		       "Deleted: all of DATA, with configuration, users and logs", "",
		       entries, count, OVERLAY_ORDINARY);
	print_packages(
		&layout,
		"Kept: the audit log, known hosts, unlock statement, deny list and floors",
		"persistent ", entries, count, OVERLAY_PERSISTENT);
	return confirm(command, "Reset to factory, deleting all but persistent packages",
		       "Nothing reset.", err);
}

/* What the boot configuration asks for is cancelled where this can write it. */
static int cancel_bootkey(struct device *device, bool *ret_cleared,
			  struct verity_error *err)
{
	static const char still[] =
		"factory-reset: still requested by the boot configuration";
	const struct overlay_config *config = device_config(device);
	struct overlay_bootconf conf;
	struct next_boot next;
	int r = overlay_bootconf_read(config->uboot_env, config->cmdline, &conf, err);

	*ret_cleared = false;
	if (r < 0)
		return verity_context(err, r,
				      "factory-reset: not known whether the boot "
				      "configuration requests one");
	if (!conf.factory_reset)
		return 0;
	next_boot_read(device, &next);
	if (conf.origin[OVERLAY_BOOT_FACTORY_RESET] == OVERLAY_BOOT_UBOOT) {
		r = overlay_bootconf_set(config->uboot_env, OVERLAY_BOOT_FACTORY_RESET,
					 NULL, err);
		*ret_cleared = r == 0;
		/* One that was carried out already does nothing. */
		return r < 0 && next.rules.resets ? verity_context(err, r, "%s", still)
						  : 0;
	}
	return next.rules.resets
		       ? verity_fail(err, VERITY_E_UNSUPPORTED,
				     "%s (remove %s=1 from the kernel command line)",
				     still,
				     overlay_bootkey_name(OVERLAY_BOOT_FACTORY_RESET))
		       : 0;
}

static int cancel(struct device *device, struct verity_error *err)
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
		puts(there || cleared ? "Cancelled... Nothing is reset at the next "
					"reboot."
				      : "No factory reset is requested.");
	return r;
}

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
	const char *what;
	struct verity_error err;
	int answer;

	if (words_has(words, WORD_CANCEL))
		return cancel(device, &err) < 0 ? report_error(NULL, &err) : STATUS_DONE;
	if (reset_allowed(device_config(device), &err) < 0) {
		/* Only root can write to the log. */
		if (geteuid() == 0)
			audit(device, purge, &err);
		return report_error(NULL, &err);
	}
	answer = reset_question(device, "factory-reset", words_has(words, WORD_YES),
				&purge, &err);
	if (answer == 0)
		return STATUS_FAILED;
	if (answer < 0 || request(device, purge, &err) < 0)
		return report_error(NULL, &err);
	audit(device, purge, NULL);
	what = purge ? "Purge" : "Factory reset";
	if (!words_has(words, WORD_REBOOT)) {
		printf("%s requested... It takes place at the next reboot.\n", what);
		return STATUS_DONE;
	}
	printf("%s requested... Rebooting.\n", what);
	if (reboot_device(&err) == 0)
		return STATUS_DONE;
	(void)verity_context(&err, 0, "the reset is requested, but not the reboot");
	return report_error(NULL, &err);
}
