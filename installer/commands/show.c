/* SPDX-License-Identifier: MIT */

/* `wmopkg show`: the table of installed packages; the details are in show_*.c. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/pending.h"
#include "installer/commands/show_boot.h"
#include "installer/commands/show_json.h"
#include "installer/commands/show_one.h"
#include "installer/common/table.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/reset_pending.h"
#include "installer/device/waiting_set.h"
#include "verity/util/cleanup.h"

/* What a package is, and whether it survives a reset, is never cut. */
static const struct table_column columns[] = {
	{"NAME", NULL, 16},
	{"VERSION", "Version", 12},
	{"PERSISTENT", "Persistent", 0},
	{"VERIFICATION", "Verification", 0},
	{"DESCRIPTION", "Description", 8},
	{"STATE", "State", 0}, /* only where it is needed */
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const char *state_word(const struct installed *item)
{
	static const char *const words[] = {
		[INSTALLED_UNKNOWN] = "Unknown",   [INSTALLED_ACTIVE] = "Active",
		[INSTALLED_INACTIVE] = "Inactive", [INSTALLED_PENDING] = "Pending",
		[INSTALLED_REMOVED] = "Ending",
	};

	return words[item->ends && item->status == INSTALLED_ACTIVE ? INSTALLED_REMOVED
								    : item->status];
}

/*
 * Whether the rows have different states, or one that nobody expects. Without it, all are
 * active, or all are activated by the next reboot, or this system has activated none.
 */
static bool needs_state(struct device *device, const struct installed_list *list)
{
	const char *first = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct installed *item = &list->items[i];
		const char *word = state_word(item);

		if (item->status == INSTALLED_REMOVED)
			continue;
		if (item->status == INSTALLED_INACTIVE || item->ends ||
		    (item->status == INSTALLED_UNKNOWN && device_state(device)) ||
		    (first && strcmp(word, first) != 0))
			return true;
		first = word;
	}
	return false;
}

/* Files in a store that are not in the table. */
static void show_unlisted(const struct layout *layout, const char *store,
			  const struct overlay_unlisted *unlisted)
{
	char text[INSTALLED_UNLISTED_BYTES];

	if (installed_format_unlisted(store, unlisted, text))
		layout_printf(stdout, layout, 0, "%s", text);
}

/* @brief: only the table */
static int show_all(struct device *device, const struct installed_list *list, bool brief,
		    struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	size_t width = needs_state(device, list) ? COLUMNS : COLUMNS - 1;
	cleanup_free const char **cells =
		calloc((list->count + 1) * COLUMNS, sizeof(*cells));
	struct table table = {"Packages", columns, width, cells, 0};
	char unused[PENDING_SUM_BYTES];
	bool summed = pending_format_sum(list, unused) > 1;

	if (!cells)
		return verity_no_memory(err);
	for (size_t i = 0; i < list->count; i++) {
		const struct installed *item = &list->items[i];
		const char **row = cells + table.rows * width;

		if (item->status == INSTALLED_REMOVED)
			continue;
		row[0] = item->entry.name;
		row[1] = item->version[0] ? item->version : "-";
		row[2] = show_persistent(item);
		row[3] = verity_verdict_name(item->verdict);
		row[4] = item->description;
		if (width == COLUMNS)
			row[5] = state_word(item);
		table.rows++;
	}
	if (table.rows == 0)
		layout_print(stdout, &layout, 0, "No packages installed.");
	else
		table_print(stdout, &layout, &table);
	if (brief)
		return 0;
	/* Of one that changes, its own line says it; `show pending` has those of more. */
	for (size_t i = 0; i < list->count; i++) {
		enum installed_status status = list->items[i].status;
		bool plain = status == INSTALLED_PENDING || status == INSTALLED_REMOVED;

		if (!plain || !summed)
			show_note(device, &layout, &list->items[i]);
	}
	pending_print_sum(&layout, list, 2);
	show_unlisted(&layout, "DATA", &list->unlisted[OVERLAY_ORDINARY]);
	show_unlisted(&layout, "PERSIST", &list->unlisted[OVERLAY_PERSISTENT]);
	return 0;
}

static int show(struct device *device, const struct words *words,
		struct verity_error *err)
{
	const char *typed = words->values[WORD_NAME];
	bool json = words_has(words, WORD_JSON);
	bool brief = words_has(words, WORD_SHOW_BRIEF);
	bool detail = words_has(words, WORD_SHOW_DETAIL);
	/* Without a word for it: of one package its facts, of all the table. */
	bool table = brief || (!typed && !detail);
	cleanup_with(installed_list_free) struct installed_list list = {0};
	struct overlay_trust *trust;
	char buffer[VERITY_NAME_MAX + 1];
	const char *name = typed;
	struct overlay_store *store;
	int r;

	/* Where the stores cannot be read, the list tells what the boot found. */
	if (name && device_store(device, &store, err) == 0)
		name = installed_name(store, name, buffer);
	r = installed_list_read(device, name,
				typed || detail ? INSTALLED_WHOLE : INSTALLED_CHANGED,
				&list, err);
	if (r == 0 && name && list.count == 0)
		r = device_store(device, &store, err)
			    ?: installed_fail_unknown(store, typed, err);
	/* Two empty stores are an answer; none at all is not. */
	if (r == 0 && !name && list.count == 0 &&
	    device_store(device, &store, err) == 0 && !device_has_volume(device))
		r = verity_fail(
			err, VERITY_E_NOT_FOUND,
			"it is not known which packages are installed: neither "
			"DATA nor PERSIST is there (check 'data' and 'persist' in the configuration)");
	if (r == 0)
		r = device_trust(device, &trust, err);
	if (r == 0 && json)
		return show_json(device, &list, name != NULL, trust, err);
	if (r == 0 && table)
		return show_all(device, &list, brief, err);
	if (r == 0 && list.count == 0)
		puts("No packages installed.");
	for (size_t i = 0; r == 0 && i < list.count; i++) {
		if (i)
			putchar('\n');
		r = show_one(device, &list.items[i], detail, err);
	}
	return r;
}

enum exit_status command_show(struct device *device, const struct words *words)
{
	bool json = words_has(words, WORD_JSON);
	struct verity_error err;

	if (words_has(words, WORD_SHOW_BOOT))
		return show_boot(device, words_has(words, WORD_SVG) ? SHOW_BOOT_SVG
					 : json                     ? SHOW_BOOT_JSON
								    : SHOW_BOOT_TEXT);
	if (words_has(words, WORD_SHOW_MEDIA))
		return command_media(device, words);
	if (words_has(words, WORD_SHOW_PENDING) ? pending_print(device, &err) < 0
						: show(device, words, &err) < 0)
		return report_error(NULL, &err);
	if (!json)
		allow_untrusted_warn(device);
	reset_pending_warn(device);
	waiting_set_warn(device);
	return report_output();
}
