/* SPDX-License-Identifier: MIT */

/* `wmopkg remove`. */

#include "installer/commands/remove.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/common/confirm.h"
#include "installer/common/layout.h"
#include "installer/device/audit.h"
#include "installer/device/consequences.h"
#include "installer/device/installed.h"
#include "installer/device/kept_room.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define NAMES_INDENT   4
#define QUESTION_BYTES (WORDS_LIST_MAX * (VERITY_NAME_MAX + 2) + 32)

/* Also the rest, where one cannot be removed. */
enum exit_status remove_entries(struct device *device,
				const struct overlay_entry *entries, size_t count)
{
	enum exit_status status = STATUS_DONE;
	struct overlay_store *store;
	struct verity_error err;

	if (device_store(device, &store, &err) < 0)
		return report_error(NULL, &err);
	for (size_t i = 0; i < count; i++) {
		const struct overlay_audit_entry removed = {.event = OVERLAY_AUDIT_REMOVE,
							    .package = &entries[i]};

		if (overlay_store_remove(store, &entries[i], &err) < 0)
			status = report_error(NULL, &err);
		else
			audit_add(device, &removed);
	}
	kept_room_limit(device);
	return status;
}

/* Moves the @all entries that are named to the front. */
static int select_named(const struct overlay_store *store, const char *const *names,
			size_t name_count, struct overlay_entry *entries, size_t all,
			size_t *ret, struct verity_error *err)
{
	size_t count = 0;

	for (size_t i = 0; i < name_count; i++) {
		char buffer[VERITY_NAME_MAX + 1];
		const char *name = installed_name(store, names[i], buffer);
		struct overlay_entry found;
		size_t at = 0;

		while (at < all && strcmp(entries[at].name, name) != 0)
			at++;
		if (at == all)
			return installed_fail_unknown(store, names[i], err);
		if (at < count) /* named twice */
			continue;
		found = entries[at];
		entries[at] = entries[count];
		entries[count++] = found;
	}
	*ret = count;
	return 0;
}

static int check_required(struct device *device, const struct overlay_entry *entries,
			  size_t count, struct verity_error *err)
{
	for (size_t i = 0; i < count; i++)
		if (installed_is_required(device, &entries[i]))
			return verity_fail(
				err, VERITY_E_REQUIRED,
				"%s: the device does not start without it (install "
				"another version over it, or change require_packages in "
				"the configuration)",
				entries[i].name);
	return 0;
}

int remove_find(struct device *device, const char *const *names, size_t name_count,
		struct overlay_entry **ret, size_t *ret_count, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	struct overlay_store *store;
	size_t all, count = 0;
	int r = device_store(device, &store, err);

	if (r == 0)
		r = overlay_store_list(store, &entries, &all, err);
	if (r == 0 && name_count > 0)
		r = select_named(store, names, name_count, entries, all, &count, err);
	else if (r == 0)
		count = all;
	if (r == 0)
		r = check_required(device, entries, count, err);
	if (r < 0)
		return r;
	*ret = steal_ptr(&entries);
	*ret_count = count;
	return 0;
}

int remove_check(struct device *device, const struct overlay_entry *entries, size_t count,
		 struct verity_error *err)
{
	cleanup_with(consequences_free) struct consequences after = {.count = 0};
	const struct consequences_change change = {.removed = entries,
						   .removed_count = count};
	struct verity_error why;

	/* It takes no key ring to remove a package. */
	if (consequences_read(device, &change, &after, &why) < 0)
		report_warning("what needs it cannot be determined: %s", why.message);
	return consequences_check(device, &after, 0, err);
}

/* What "all" means, where that is not one ordinary package. */
static void print_all(const struct overlay_entry *entries, size_t count)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	bool plain = count == 1 && entries[0].kind == OVERLAY_ORDINARY;

	for (size_t i = 0; i < count && !plain; i++)
		layout_printf(stdout, &layout, NAMES_INDENT, "  %s%s", entries[i].name,
			      entries[i].kind == OVERLAY_PERSISTENT ? " (persistent)"
								    : "");
}

static int ask(const struct words *words, const struct overlay_entry *entries,
	       size_t count, struct verity_error *err)
{
	char question[QUESTION_BYTES] = "Remove all packages";

	if (words_has(words, WORD_YES))
		return 1;
	if (!words_has(words, WORD_NAME))
		print_all(entries, count);
	else
		snprintf(question, sizeof(question), "Remove package%s ",
			 count > 1 ? "s" : "");
	for (size_t i = 0; words_has(words, WORD_NAME) && i < count; i++)
		verity_text_append(question, sizeof(question), "%s%s",
				   i == 0           ? ""
				   : i + 1 == count ? " and "
						    : ", ",
				   entries[i].name);
	return confirm("remove", question, "Nothing removed.", err);
}

enum exit_status command_remove(struct device *device, const struct words *words)
{
	cleanup_free struct overlay_entry *entries = NULL;
	bool named = words_has(words, WORD_NAME);
	struct verity_error err;
	enum exit_status status;
	size_t count;
	int answer;

	/* A script whose $NAME is empty must not empty the device. */
	if (words_has(words, WORD_YES) && !named && !words_has(words, WORD_ALL))
		return report_hint_usage("give NAME or all",
					 "remove: --yes without a name");
	if (remove_find(device, words->list, named ? words->list_count : 0, &entries,
			&count, &err) < 0)
		return report_error(NULL, &err);
	if (count == 0) {
		report_line("No packages installed.");
		return STATUS_DONE;
	}
	if (named && remove_check(device, entries, count, &err) < 0)
		return report_hinted(NULL, &err, NULL);
	answer = ask(words, entries, count, &err);
	if (answer < 0)
		return report_error(NULL, &err);
	if (answer == 0)
		return STATUS_FAILED;
	status = remove_entries(device, entries, count);
	if (status == STATUS_DONE)
		report_line("%s",
			    named ? "Removed... Changes are applied after reboot."
				  : "Removing all packages... Changes are applied after "
				    "reboot.");
	return status;
}
