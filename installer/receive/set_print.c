/* SPDX-License-Identifier: MIT */
/* Prints what a set would change. */
#include "installer/receive/set_print.h"

#include <stdio.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/report.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

#define NAMES_INDENT 4

/* In JSON; by enum set_action */
static const char *const action_words[] = {
	[SET_NONE] = "none",
	[SET_INSTALL] = "install",
	[SET_REPLACE] = "replace",
	[SET_REMOVE] = "remove",
};

static void format(const struct set_item *item, bool goes, char *ret, size_t size)
{
	const struct set_present *present = &item->present;

	snprintf(ret, size, "%s:", set_item_name(item));
	if (present->there)
		verity_text_append(ret, size, " %s%s goes",
				   present->readable ? "version " : "it",
				   present->version);
	if (!goes)
		verity_text_append(ret, size, "%s version %s comes%s",
				   present->there ? "," : "", item->version,
				   item->wanted->persistent ? " (persistent)" : "");
}

size_t set_print(const struct set_plan *plan, bool removals_only)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char line[VERITY_NAME_MAX + 2 * VERITY_VERSION_MAX + 64];
	size_t count = 0;

	for (size_t i = 0; i < plan->count; i++) {
		const struct set_item *item = &plan->items[i];
		enum set_action action = set_plan_action(plan, item);

		if (action == SET_NONE || (removals_only && action != SET_REMOVE))
			continue;
		format(item, action == SET_REMOVE, line, sizeof(line));
		layout_printf(stdout, &layout, NAMES_INDENT, "  %s", line);
		count++;
	}
	return count;
}

void set_warn_inactive(const struct set_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct verity_error *why = &plan->items[i].present.inactive;
		const char *hint = verity_code_hint(why->code);

		if (why->code != VERITY_OK &&
		    set_plan_action(plan, &plan->items[i]) == SET_NONE)
			report_warning("%s: it stays installed, but is not active: "
				       "%s%s%s%s",
				       set_item_name(&plan->items[i]), why->message,
				       hint ? " (" : "", hint ?: "", hint ? ")" : "");
	}
}

int set_print_json(const struct set_plan *plan, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};

	verity_json_int(&json, "format", 1);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < plan->count; i++) {
		const struct set_item *item = &plan->items[i];
		enum set_action action = set_plan_action(plan, item);

		verity_json_open(&json, NULL);
		verity_json_text(&json, "name", set_item_name(item));
		verity_json_text(&json, "action", action_words[action]);
		verity_json_some_text(&json, "installed_version", item->present.version);
		verity_json_some_text(&json, "version",
				      action == SET_NONE ? item->present.version
							 : item->version);
		verity_json_bool(&json, "persistent",
				 item->wanted ? item->wanted->persistent
					      : item->present.entry.kind ==
							OVERLAY_PERSISTENT);
		if (action == SET_NONE)
			verity_json_reason(&json, "inactive", &item->present.inactive,
					   verity_code_hint(item->present.inactive.code));
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}
