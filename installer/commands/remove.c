/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/commands/commands.h"
#include "installer/common/answer.h"
#include "installer/device/audit.h"
#include "installer/device/installed.h"
#include "verity/util/cleanup.h"

struct request {
	const char *name; /* NULL: all */
	bool yes;         /* do not ask */
};

/* A script that forgot the word must not take the silence for a removal. */
static void fail_unanswered(void)
{
	struct verity_error err;

	verity_fail(&err, VERITY_E_UNSUPPORTED,
		    "remove: there is no terminal to ask at (to remove without asking: "
		    "--yes)");
	(void)!report_error(NULL, &err);
}

static bool ask(const struct request *request)
{
	if (request->yes)
		return true;
	if (request->name)
		printf("Remove package %s (y/N)?", request->name);
	else
		printf("Remove all packages (y/N)?");
	switch (answer_read()) {
	case ANSWER_YES:
		return true;
	case ANSWER_NO:
		puts("Nothing removed.");
		break;
	case ANSWER_NOBODY:
		fail_unanswered();
		break;
	}
	return false;
}

/* The entries that are meant, moved to the front; how many they are. */
static size_t select_named(struct overlay_entry *entries, size_t count, const char *name)
{
	size_t kept = 0;

	for (size_t i = 0; i < count; i++)
		if (!name || strcmp(entries[i].name, name) == 0)
			entries[kept++] = entries[i];
	return kept;
}

/* One that cannot be removed does not keep the others. */
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
			auditing_add(device, &removed);
	}
	return status;
}

enum exit_status command_remove(struct device *device, const struct words *words)
{
	cleanup_free struct overlay_entry *entries = NULL;
	const struct request request = {
		.name = words->values[WORD_NAME],
		.yes = words_has(words, WORD_YES),
	};
	struct overlay_store *store;
	struct verity_error err;
	enum exit_status status;
	size_t all, count;

	if (device_store(device, &store, &err) < 0 ||
	    overlay_store_list(store, &entries, &all, &err) < 0)
		return report_error(NULL, &err);
	if (all == 0 && !request.name) {
		puts("No packages installed.");
		return STATUS_DONE;
	}
	count = select_named(entries, all, request.name);
	if (count == 0) {
		installed_fail_unknown(store, request.name, &err);
		return report_error(NULL, &err);
	}
	if (!ask(&request))
		return STATUS_FAILED;
	status = remove_entries(device, store, entries, count);
	if (status == STATUS_DONE)
		puts(request.name ? "Removed... Changes are applied after reboot."
				  : "Removing all packages... Changes are applied after "
				    "reboot.");
	return status;
}
