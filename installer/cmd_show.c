/* SPDX-License-Identifier: MIT */
#include "installer/cmd_show.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "installer/allowed.h"
#include "installer/command.h"
#include "installer/facts.h"
#include "installer/table.h"
#include "verity/cleanup.h"

#define COLUMNS 5

struct request {
	const char *name; /* NULL: all */
	bool json;
};

static const char *persistent_word(const struct installed *item)
{
	return item->entry.kind == OVERLAY_PERSISTENT ? "True" : "False";
}

/* 0 where the frame may be as wide as it takes. A serial line does not know its width. */
static size_t terminal_width(void)
{
	struct winsize size = {0};

	if (!isatty(STDOUT_FILENO))
		return 0;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col == 0)
		return TABLE_WIDTH;
	return size.ws_col;
}

static void fill_row(const struct installed *item, const char **row)
{
	row[0] = item->entry.name;
	row[1] = item->version[0] ? item->version : "-";
	row[2] = persistent_word(item);
	row[3] = verity_verdict_name(item->verdict);
	row[4] = item->description;
}

static int show_table(const struct installed_list *list, struct verity_error *err)
{
	static const char *const head[COLUMNS] = {"NAME", "VERSION", "PERSISTENT",
						  "VERIFICATION", "DESCRIPTION"};
	cleanup_free const char **cells =
		calloc((list->count + 1) * COLUMNS, sizeof(*cells));
	size_t rows = 1;

	if (!cells)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	memcpy(cells, head, sizeof(head));
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].status != INSTALLED_REMOVED)
			fill_row(&list->items[i], cells + rows++ * COLUMNS);
	if (rows == 1)
		puts("No packages installed.");
	else
		table_print(stdout, "Packages", cells, COLUMNS, rows, terminal_width());
	return 0;
}

static void print_reason(struct device *device, const struct verity_error *reason)
{
	const char *hint = allowed_hint(device, reason->code);

	report_plain(stdout, reason->message);
	if (hint)
		printf(" (%s)", hint);
	putchar('\n');
}

/* Why it is not so, or not yet so, as the table lets one think. */
static void show_note(struct device *device, const struct installed *item)
{
	switch (item->status) {
	case INSTALLED_INACTIVE:
		printf("%s: not active: ", item->entry.name);
		print_reason(device, &item->reason);
		break;
	case INSTALLED_PENDING:
		printf("%s: active after reboot%s%s\n", item->entry.name,
		       item->running[0] ? ", until then version " : "", item->running);
		break;
	case INSTALLED_REMOVED:
		printf("%s: removed, active until reboot\n", item->entry.name);
		break;
	case INSTALLED_ACTIVE:
		if (item->verdict != VERITY_REVOKED)
			break;
		printf("%s: active until reboot: ", item->entry.name);
		print_reason(device, &item->reason);
		break;
	case INSTALLED_UNKNOWN:
		break;
	}
}

static void show_active(struct device *device, const struct installed *item)
{
	switch (item->status) {
	case INSTALLED_ACTIVE:
		puts(item->verdict == VERITY_REVOKED ? "Active: until reboot"
						     : "Active: yes");
		break;
	case INSTALLED_INACTIVE:
		printf("Active: no: ");
		print_reason(device, &item->reason);
		break;
	case INSTALLED_PENDING:
		puts("Active: after reboot");
		break;
	case INSTALLED_REMOVED:
		puts("Active: until reboot, it is removed");
		break;
	case INSTALLED_UNKNOWN:
		puts("Active: unknown, this boot activated nothing");
		break;
	}
	if (item->running[0])
		printf("Active until reboot: version %s\n", item->running);
}

static void show_one(struct device *device, const struct installed *item)
{
	printf("Name: %s\nPersistent: %s\n", item->entry.name, persistent_word(item));
	show_active(device, item);
	if (item->package) {
		facts_print(verity_package_judgement(item->package),
			    verity_package_layout(item->package));
		return;
	}
	printf("Verification: %s\n", verity_verdict_name(item->verdict));
	if (item->identity[0])
		printf("Identity: %s\nVersion: %s\nDescription: %s\n", item->identity,
		       item->version, item->description);
}

static int show(struct device *device, const struct request *request,
		const struct installed_list *list, struct verity_error *err)
{
	struct overlay_trust *trust;
	int r = device_trust(device, &trust, err);

	if (r == 0 && request->json)
		return show_json(device, list, trust, err);
	if (r < 0)
		return r;
	if (!request->name)
		r = show_table(list, err);
	for (size_t i = 0; r == 0 && i < list->count; i++) {
		if (!request->name) {
			show_note(device, &list->items[i]);
			continue;
		}
		if (i)
			putchar('\n');
		show_one(device, &list->items[i]);
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

	r = device_store(device, &store, &err);
	if (r == 0)
		r = installed_list_read(device, request.name, &list, &err);
	if (r == 0 && request.name && list.count == 0)
		r = installed_fail_unknown(store, request.name, &err);
	if (r == 0)
		r = show(device, &request, &list, &err);
	if (r == 0 && !request.json)
		allowed_warn(device);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
