/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/commands/show.h"
#include "installer/device/allow_untrusted.h"

#define INDENT 4

/* What goes on until the reboot; "" where nothing does. */
static const char *until_then(const struct installed *item, char *text, size_t size)
{
	if (!item->running[0])
		return "";
	if (strcmp(item->running, item->version) != 0) {
		snprintf(text, size, ", until then version %s", item->running);
		return text;
	}
	return item->moved ? ", until then from its old place"
			   : ", until then the copy it replaced";
}

/* "" where there is nothing to say. */
static const char *status_words(const struct installed *item)
{
	switch (item->status) {
	case INSTALLED_INACTIVE:
		return item->active ? "not active after reboot" : "not active";
	case INSTALLED_PENDING:
		return item->moved ? "moved, active after reboot" : "active after reboot";
	case INSTALLED_REMOVED:
		return "removed, active until reboot";
	case INSTALLED_ACTIVE:
		return item->ends ? "active until reboot" : "";
	case INSTALLED_UNKNOWN:
		break;
	}
	return "";
}

void show_note(struct device *device, const struct layout *layout,
	       const struct installed *item)
{
	const char *words = status_words(item);
	bool why = item->status == INSTALLED_INACTIVE || item->status == INSTALLED_ACTIVE;
	const char *hint = why ? allowed_hint(device, item->reason.code) : NULL;
	char until[VERITY_VERSION_MAX + 32];

	if (!words[0])
		return;
	layout_printf(stdout, layout, INDENT, "%s: %s%s%s%s%s%s%s", item->entry.name,
		      words, until_then(item, until, sizeof(until)), why ? ": " : "",
		      why ? item->reason.message : "", hint ? " (" : "", hint ? hint : "",
		      hint ? ")" : "");
}
