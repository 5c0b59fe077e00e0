/* SPDX-License-Identifier: MIT */

/* `wmopkg factory-reset`: writes the request that the next boot carries out. */

#include "installer/commands/factory_reset.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "factory/filesystem.h"
#include "installer/commands/commands.h"
#include "installer/common/confirm.h"
#include "installer/common/layout.h"
#include "installer/device/consequences.h"
#include "installer/device/installed.h"
#include "installer/device/next_boot.h"
#include "installer/device/reboot.h"
#include "installer/device/reset_request.h"
#include "overlay/record/requirements.h"
#include "verity/util/text.h"

#define INDENT 2

/* What a purge deletes, and what that means, before anybody says yes to it. */
static const char purge_text[] =
	"A purge deletes everything on DATA and PERSIST: all packages, also persistent ones, "
	"configuration and users, the audit log, known hosts, the unlock statement, the deny "
	"list and the floors. Rollback protection starts from zero: packages that were "
	"revoked or are too old can be installed again. The disk is not overwritten.";

void reset_format_packages(const struct overlay_entry *entries, size_t all,
			   enum overlay_store_kind kind,
			   char line[static RESET_LINE_BYTES])
{
	static const struct {
		const char *text, *adjective;
	} kinds[] = {
		[OVERLAY_ORDINARY] =
			{"Deleted: all of DATA, with configuration, users and logs", ""},
		[OVERLAY_PERSISTENT] = {"Kept: the audit log, known hosts, unlock "
					"statement, deny list and floors",
					"persistent "},
	};
	const char *adjective = kinds[kind].adjective;
	size_t count = 0;

	for (size_t i = 0; i < all; i++)
		count += entries[i].kind == kind;
	snprintf(line, RESET_LINE_BYTES, "%s, and ", kinds[kind].text);
	if (count == 0)
		verity_text_append(line, RESET_LINE_BYTES, "no %spackage", adjective);
	else
		verity_text_append(line, RESET_LINE_BYTES, "%zu %spackage%s", count,
				   adjective, count > 1 ? "s" : "");
	for (size_t i = 0, shown = 0; i < all; i++)
		if (entries[i].kind == kind)
			verity_text_append(line, RESET_LINE_BYTES, "%s%s",
					   shown++ ? ", " : ": ", entries[i].name);
}

/* A persistent package that needs an ordinary one stays, and is of no use. */
static void warn_of_needs(struct device *device, const struct overlay_entry *entries,
			  size_t all)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	cleanup_free struct overlay_entry *deleted = calloc(all + 1, sizeof(*deleted));
	struct consequences_change change = {.removed = deleted};
	struct verity_error why;

	for (size_t i = 0; deleted && i < all; i++)
		if (entries[i].kind == OVERLAY_ORDINARY)
			deleted[change.removed_count++] = entries[i];
	if (!deleted || consequences_read(device, &change, &after, &why) < 0)
		return;
	for (size_t i = 0; i < after.count; i++)
		if (consequences_end(&after, i))
			report_warning(
				"%s is kept, and not active after the reset: %s%s",
				after.items[i].entry.name, after.reasons[i].message,
				overlay_requirements_has(device_config(device),
							 after.items[i].identity)
					? " (the device does not start without it: "
					  "require_packages in the configuration)"
					: "");
}

int reset_question(struct device *device, const char *command, bool yes, bool *purge,
		   struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_free struct overlay_entry *entries = NULL;
	struct overlay_store *store;
	char line[RESET_LINE_BYTES];
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
	r = device_store(device, &store, err);
	if (r == 0)
		r = overlay_store_list(store, &entries, &count, err);
	for (size_t i = 0; r == 0 && i < count; i++)
		if ((*purge || entries[i].kind == OVERLAY_ORDINARY) &&
		    installed_is_required(device, &entries[i]))
			report_warning("%s is deleted, and the device does not start "
				       "without it (require_packages in the "
				       "configuration)",
				       entries[i].name);
	if (r == 0 && !*purge)
		warn_of_needs(device, entries, count);
	if (yes)
		return 1;
	if (*purge) {
		layout_print(stdout, &layout, 0, purge_text);
		return confirm(
			command,
			"Purge this device, deleting all that it has and remembers",
			"Nothing reset.", err);
	}
	if (r < 0)
		return r;
	reset_format_packages(entries, count, OVERLAY_ORDINARY, line);
	layout_print(stdout, &layout, INDENT, line);
	reset_format_packages(entries, count, OVERLAY_PERSISTENT, line);
	layout_print(stdout, &layout, INDENT, line);
	return confirm(command, "Reset to factory, deleting all but persistent packages",
		       "Nothing reset.", err);
}

enum exit_status command_factory_reset(struct device *device, const struct words *words)
{
	bool purge = words_has(words, WORD_PURGE);
	bool cancelled;
	const char *what;
	struct verity_error err;
	int answer;

	if (words_has(words, WORD_CANCEL)) {
		if (reset_request_cancel(device, &cancelled, &err) < 0)
			return report_error(NULL, &err);
		report_line("%s",
			    cancelled
				    ? "Cancelled... Nothing is reset at the next reboot."
				    : "No factory reset is requested.");
		return STATUS_DONE;
	}
	if (reset_request_allowed(device, purge, &err) < 0)
		return report_error(NULL, &err);
	answer = reset_question(device, "factory-reset", words_has(words, WORD_YES),
				&purge, &err);
	if (answer == 0)
		return STATUS_FAILED;
	if (answer < 0 || reset_request(device, purge, &err) < 0)
		return report_error(NULL, &err);
	what = purge ? "Purge" : "Factory reset";
	if (!words_has(words, WORD_REBOOT)) {
		report_line("%s requested... It takes place at the next reboot.", what);
		return STATUS_DONE;
	}
	report_line("%s requested... Rebooting.", what);
	if (reboot_device(&err) == 0)
		return STATUS_DONE;
	(void)verity_context(&err, 0, "the reset is requested, but not the reboot");
	return report_error(NULL, &err);
}
