/* SPDX-License-Identifier: MIT */

/* `wmopkg show pending`, and `reboot` of the shell. */

#include "installer/commands/pending.h"

#include <stdio.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/show_one.h"
#include "installer/common/confirm.h"
#include "installer/device/reboot.h"
#include "verity/util/text.h"

static bool is_activated(const struct installed *item)
{
	return item->status == INSTALLED_PENDING;
}

static bool is_deactivated(const struct installed *item)
{
	return item->ends || item->status == INSTALLED_REMOVED;
}

bool pending_changes(const struct installed *item)
{
	return is_activated(item) || is_deactivated(item);
}

size_t pending_format_sum(const struct installed_list *list,
			  char ret[static PENDING_SUM_BYTES])
{
	size_t activated = 0, deactivated = 0, suspects = 0;
	bool unknown = false;

	for (size_t i = 0; i < list->count; i++) {
		activated += is_activated(&list->items[i]);
		deactivated += is_deactivated(&list->items[i]);
		unknown = unknown || list->items[i].status == INSTALLED_UNKNOWN;
		suspects += list->items[i].status == INSTALLED_INACTIVE &&
			    list->items[i].reason.code == VERITY_E_SUSPECT;
	}
	snprintf(ret, PENDING_SUM_BYTES, "%s",
		 activated + deactivated ? "Reboot to"
		 : unknown ? "It is not known what the next reboot changes: this boot "
			     "activated nothing"
			   : "The next reboot changes no package");
	if (activated > 0)
		verity_text_append(ret, PENDING_SUM_BYTES, " activate %zu package%s",
				   activated, activated > 1 ? "s" : "");
	if (deactivated > 0)
		verity_text_append(ret, PENDING_SUM_BYTES, "%s deactivate %zu%s%s",
				   activated ? " and to" : "", deactivated,
				   activated ? "" : " package",
				   activated || deactivated == 1 ? "" : "s");
	verity_text_append(ret, PENDING_SUM_BYTES, ".");
	/* Which of them depends on whether this boot is completed. */
	if (suspects > 0)
		verity_text_append(ret, PENDING_SUM_BYTES,
				   " It may try %zu suspect package%s again.", suspects,
				   suspects > 1 ? "s" : "");
	return activated + deactivated;
}

void pending_print_sum(const struct layout *layout, const struct installed_list *list,
		       size_t least)
{
	char line[PENDING_SUM_BYTES];

	if (pending_format_sum(list, line) >= least)
		layout_print(stdout, layout, 0, line);
}

int pending_print(struct device *device, struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_with(installed_list_free) struct installed_list list = {0};
	int r = installed_list_read(device, NULL, INSTALLED_CHANGED, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		if (pending_changes(&list.items[i]))
			show_note(device, &layout, &list.items[i]);
	pending_print_sum(&layout, &list, 0);
	return 0;
}

enum exit_status command_reboot(struct device *device, const struct words *words)
{
	struct verity_error err;
	int r = pending_print(device, &err) < 0 ? -1 : 1;

	if (r > 0 && !words_has(words, WORD_YES))
		r = confirm("reboot", "Reboot this device", "Not rebooted.", &err);
	if (r == 0)
		return STATUS_FAILED;
	if (r > 0) {
		puts("Rebooting...");
		r = reboot_device(&err);
	}
	return r < 0 ? report_error(NULL, &err) : STATUS_DONE;
}
