/* SPDX-License-Identifier: MIT */

/* `wmopkg remove`. */

#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/commands/confirm.h"
#include "installer/device/audit.h"
#include "installer/device/installed.h"
#include "verity/util/cleanup.h"

/* Also the rest, where one cannot be removed. */
static enum exit_status remove_entries(struct device *device, struct overlay_store *store,
				       const struct overlay_entry *entries, size_t count)
{
	enum exit_status status = STATUS_DONE;
	struct verity_error err;

	for (size_t i = 0; i < count; i++) {
		const struct overlay_audit_entry removed = {.event = OVERLAY_AUDIT_REMOVE,
							    .package = &entries[i]};

		if (overlay_store_remove(store, &entries[i], &err) < 0)
			status = report_error(NULL, &err);
		else
			audit_add(device, &removed);
	}
	return status;
}

/*
 * The next boot would be refused. The name in the manifest is what is required; of a
 * package that no boot has read, the name of its file says it.
 */
static int check_required(struct device *device, const struct overlay_entry *entry,
			  struct verity_error *err)
{
	const struct overlay_config *config = device_config(device);
	const struct overlay_state *state = device_state(device);
	const struct overlay_state_entry *known =
		state ? overlay_state_find(state, entry) : NULL;
	const char *name = known && known->identity[0] ? known->identity : entry->name;

	for (size_t i = 0; i < config->require_packages_count; i++)
		if (strcmp(config->require_packages[i], name) == 0)
			return verity_fail(err, VERITY_E_REQUIRED,
					   "%s: the device does not start without it "
					   "(install another version over it, or change "
					   "require_packages in the configuration)",
					   entry->name);
	return 0;
}

enum exit_status command_remove(struct device *device, const struct words *words)
{
	cleanup_free struct overlay_entry *entries = NULL;
	const char *name = words->values[WORD_NAME]; /* NULL: all */
	char question[VERITY_NAME_MAX + 32] = "Remove all packages";
	struct overlay_store *store;
	struct verity_error err;
	enum exit_status status;
	size_t all, count = 0;
	int answer = 1;

	if (device_store(device, &store, &err) < 0 ||
	    overlay_store_list(store, &entries, &all, &err) < 0)
		return report_error(NULL, &err);
	if (all == 0 && !name) {
		puts("No packages installed.");
		return STATUS_DONE;
	}
	for (size_t i = 0; i < all; i++)
		if (!name || strcmp(entries[i].name, name) == 0)
			entries[count++] = entries[i];
	if (count == 0) {
		installed_fail_unknown(store, name, &err);
		return report_error(NULL, &err);
	}
	for (size_t i = 0; i < count; i++)
		if (check_required(device, &entries[i], &err) < 0)
			return report_error(NULL, &err);
	if (name)
		snprintf(question, sizeof(question), "Remove package %s", name);
	if (!words_has(words, WORD_YES))
		answer = confirm("remove", question, "Nothing removed.", &err);
	if (answer < 0)
		return report_error(NULL, &err);
	if (answer == 0)
		return STATUS_FAILED;
	status = remove_entries(device, store, entries, count);
	if (status == STATUS_DONE)
		puts(name ? "Removed... Changes are applied after reboot."
			  : "Removing all packages... Changes are applied after reboot.");
	return status;
}
