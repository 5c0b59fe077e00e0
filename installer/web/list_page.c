/* SPDX-License-Identifier: MIT */
/* The installed packages, and what the next boot changes. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "installer/commands/pending.h"
#include "installer/commands/show_one.h"
#include "installer/device/allow_untrusted.h"
#include "installer/device/reset_pending.h"
#include "installer/device/waiting_set.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "overlay/store/kept.h"
#include "verity/util/cleanup.h"

/* How a verdict looks; the word itself is always there. */
static const char *class_of(const struct installed *item)
{
	switch (item->verdict) {
	case VERITY_SIGNED:
		return "good";
	case VERITY_UNSIGNED:
	case VERITY_UNTRUSTED:
		return "doubtful";
	default:
		return "bad";
	}
}

static const char *state_class(const struct installed *item)
{
	static const char *const names[] = {
		[INSTALLED_UNKNOWN] = "unknown",   [INSTALLED_ACTIVE] = "active",
		[INSTALLED_INACTIVE] = "inactive", [INSTALLED_PENDING] = "pending",
		[INSTALLED_REMOVED] = "removed",
	};

	return item->status == INSTALLED_ACTIVE && item->ends ? "removed"
							      : names[item->status];
}

static void put_row(struct web_page *page, const struct installed *item)
{
	char note[SHOW_NOTE_BYTES] = "active";
	const char *name = item->entry.name;

	if (!show_format_note(page->device, item, note) &&
	    item->status == INSTALLED_UNKNOWN)
		snprintf(note, sizeof(note), "unknown, this boot activated nothing");
	html_print(page->body,
		   "<tr><th scope=row><a href=\"?page=package&amp;name=%s\">%s</a></th>"
		   "<td data-label=Version>%s</td>"
		   "<td data-label=Verification><span class=\"verdict %s\">%s</span></td>"
		   "<td data-label=State><span class=\"state %s\">%s</span></td>"
		   "<td data-label=Persistent>%s</td>"
		   "<td data-label=Description>%s</td><td class=do>",
		   name, name, item->version[0] ? item->version : "-", class_of(item),
		   verity_verdict_name(item->verdict), state_class(item), note,
		   item->entry.kind == OVERLAY_PERSISTENT ? "Yes" : "No",
		   item->description);
	if (item->status != INSTALLED_REMOVED)
		html_print(page->body,
			   "<a class=\"button small\" href=\"?page=remove&amp;name=%s\" "
			   "aria-label=\"Remove %s\">Remove</a>",
			   name, name);
	fputs("</td></tr>\n", page->body);
}

static void put_table(struct web_page *page, const struct installed_list *list,
		      bool changed)
{
	fputs("<table class=cards>\n<thead><tr><th scope=col>Name<th scope=col>Version"
	      "<th scope=col>Verification<th scope=col>State<th scope=col>Persistent"
	      "<th scope=col>Description<th scope=col><span class=hidden>Actions</span>"
	      "</tr></thead>\n<tbody>\n",
	      page->body);
	for (size_t i = 0; i < list->count; i++)
		if (!changed || pending_changes(&list->items[i]))
			put_row(page, &list->items[i]);
	fputs("</tbody>\n</table>\n", page->body);
}

/* What stands in the stores, and is no package. */
static void put_unlisted(struct web_page *page, const char *store,
			 const struct overlay_unlisted *unlisted)
{
	char text[INSTALLED_UNLISTED_BYTES];

	if (installed_format_unlisted(store, unlisted, text))
		html_print(page->body, "<p>%s</p>\n", text);
}

static int read_list(struct web_page *page, struct installed_list *ret,
		     struct verity_error *err)
{
	int r = installed_list_read(page->device, NULL, INSTALLED_CHANGED, ret, err);

	if (r < 0)
		return r;
	allow_untrusted_warn(page->device);
	reset_pending_warn(page->device);
	waiting_set_warn(page->device);
	return 0;
}

int list_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	char sum[PENDING_SUM_BYTES];
	int r = read_list(page, &list, err);

	if (r < 0)
		return r;
	if (pending_format_sum(&list, sum) > 0)
		html_print(page->body,
			   "<p class=\"message note\">%s <a href=\"?page=pending\">Show "
			   "what changes</a></p>\n",
			   sum);
	if (list.count > 0)
		put_table(page, &list, false);
	else
		fputs("<p class=empty>No packages installed.</p>\n", page->body);
	put_unlisted(page, "DATA", &list.unlisted[OVERLAY_ORDINARY]);
	put_unlisted(page, "PERSIST", &list.unlisted[OVERLAY_PERSISTENT]);
	fputs("<div class=actions><a class=\"button main\" href=\"?page=install\">Install a "
	      "package</a></div>\n",
	      page->body);
	return 0;
}

int pending_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	cleanup_with(overlay_kept_free) struct overlay_kept kept = {.count = 0};
	struct overlay_store *store;
	char sum[PENDING_SUM_BYTES];
	int r = read_list(page, &list, err);

	if (r == 0)
		r = device_store(page->device, &store, err);
	if (r == 0)
		r = overlay_store_last_change(store, &kept, err);
	if (r < 0)
		return r;
	if (pending_format_sum(&list, sum) > 0)
		put_table(page, &list, true);
	html_print(page->body,
		   "<p class=lead>%s</p>\n<div class=actions><a class=\"button main\" "
		   "href=\"?page=reboot\">Reboot</a>",
		   sum);
	if (kept.count > 0)
		fputs(" <a class=button href=\"?page=undo\">Undo the last change</a>",
		      page->body);
	fputs("</div>\n", page->body);
	return 0;
}
