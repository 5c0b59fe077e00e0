/* SPDX-License-Identifier: MIT */
#include "installer/commands/show.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/media.h"
#include "installer/common/table.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/reset_pending.h"
#include "verity/util/cleanup.h"

/* What a package is, and whether it survives, is never cut short. */
static const struct table_column columns[] = {
	{"NAME", NULL, 16},
	{"VERSION", "Version", 12},
	{"PERSISTENT", "Persistent", 0},
	{"VERIFICATION", "Verification", 0},
	{"DESCRIPTION", "Description", 8},
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

struct request {
	const char *name; /* NULL: all */
	bool json;
};

static void fill_row(const struct installed *item, const char **row)
{
	row[0] = item->entry.name;
	row[1] = item->version[0] ? item->version : "-";
	row[2] = show_persistent(item);
	row[3] = verity_verdict_name(item->verdict);
	row[4] = item->description;
}

static int show_table(const struct installed_list *list, const struct layout *layout,
		      struct verity_error *err)
{
	cleanup_free const char **cells =
		calloc((list->count + 1) * COLUMNS, sizeof(*cells));
	struct table table = {"Packages", columns, COLUMNS, cells, 0};

	if (!cells)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].status != INSTALLED_REMOVED)
			fill_row(&list->items[i], cells + table.rows++ * COLUMNS);
	if (table.rows == 0)
		layout_print(stdout, layout, 0, "No packages installed.");
	else
		table_print(stdout, layout, &table);
	return 0;
}

static int show_all(struct device *device, const struct installed_list *list,
		    struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	int r = show_table(list, &layout, err);

	for (size_t i = 0; r == 0 && i < list->count; i++)
		show_note(device, &layout, &list->items[i]);
	return r;
}

static int show(struct device *device, const struct request *request,
		const struct installed_list *list, struct verity_error *err)
{
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r == 0 && request->json)
		return show_json(device, list, request->name != NULL, trust, err);
	if (r == 0 && !request->name)
		return show_all(device, list, err);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		if (i)
			putchar('\n');
		r = show_one(device, &list->items[i], err);
	}
	return r;
}

enum exit_status command_show(struct device *device, const struct words *words)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	const struct request request = {
		.name = words->values[WORD_NAME],
		.json = words_has(words, WORD_JSON),
	};
	struct overlay_store *store;
	struct verity_error err;
	int r;

	if (words_has(words, WORD_SHOW_BOOT))
		return show_boot(device, words_has(words, WORD_SVG) ? SHOW_BOOT_SVG
					 : request.json             ? SHOW_BOOT_JSON
								    : SHOW_BOOT_TEXT);
	if (words_has(words, WORD_SHOW_MEDIA))
		return media_show(device, request.json);
	r = device_store(device, &store, &err);
	if (r == 0)
		r = installed_list_read(device, request.name, &list, &err);
	if (r == 0 && request.name && list.count == 0)
		r = installed_fail_unknown(store, request.name, &err);
	if (r == 0)
		r = show(device, &request, &list, &err);
	if (r == 0 && !request.json)
		allowed_warn(device);
	if (r == 0)
		reset_pending_warn(device);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
