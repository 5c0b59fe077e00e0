/* SPDX-License-Identifier: MIT */

/* `wmopkg show pending`, and `reboot` of the shell. */

#include "installer/commands/pending.h"

#include <stdio.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/commands/confirm.h"
#include "installer/commands/show_one.h"
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

void pending_print_sum(const struct layout *layout, const struct installed_list *list,
		       size_t least)
{
	char line[128] = "Reboot to";
	size_t activated = 0, deactivated = 0;

	for (size_t i = 0; i < list->count; i++) {
		activated += is_activated(&list->items[i]);
		deactivated += is_deactivated(&list->items[i]);
	}
	if (activated + deactivated < least)
		return;
	if (activated + deactivated == 0) {
		layout_print(stdout, layout, 0, "The next reboot changes no package.");
		return;
	}
	if (activated > 0)
		verity_text_append(line, sizeof(line), " activate %zu package%s",
				   activated, activated > 1 ? "s" : "");
	if (deactivated > 0)
		verity_text_append(line, sizeof(line), "%s deactivate %zu%s%s",
				   activated ? " and to" : "", deactivated,
				   activated ? "" : " package",
				   activated || deactivated == 1 ? "" : "s");
	verity_text_append(line, sizeof(line), ".");
	layout_print(stdout, layout, 0, line);
}

int pending_print(struct device *device, struct verity_error *err)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	cleanup_with(installed_list_free) struct installed_list list = {0};
	int r = installed_list_read(device, NULL, false, &list, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < list.count; i++)
		if (is_activated(&list.items[i]) || is_deactivated(&list.items[i]))
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
