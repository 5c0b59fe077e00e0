/* SPDX-License-Identifier: MIT */
/* One package with all that is known of it, and the question before it is removed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/commands/remove.h"
#include "installer/commands/show_one.h"
#include "installer/common/describe.h"
#include "installer/device/installed.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"

static void put_line(void *context, const char *label, const char *text)
{
	html_print(context, "<dt>%s</dt><dd>%s</dd>\n", label, text);
}

static int find(struct web_page *page, struct installed_list *ret,
		struct verity_error *err)
{
	const char *name = request_field(page->request, "name");
	struct overlay_store *store;
	int r = installed_list_read(page->device, name, INSTALLED_WHOLE, ret, err);

	if (r == 0 && ret->count == 0)
		r = device_store(page->device, &store, err)
			    ?: installed_fail_unknown(store, name, err);
	return r;
}

int package_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(installed_list_free) struct installed_list list = {0};
	const struct describe_listener listener = {put_line, page->body};
	int r = find(page, &list, err);

	for (size_t i = 0; r == 0 && i < list.count; i++) {
		const struct installed *item = &list.items[i];

		page->title = request_field(page->request, "name");
		fputs("<dl class=facts>\n", page->body);
		describe_listen(&listener);
		r = show_one(page->device, item, true, err);
		describe_listen(NULL);
		fputs("</dl>\n<div class=actions>", page->body);
		if (item->status != INSTALLED_REMOVED)
			html_print(page->body,
				   "<a class=\"button danger\" "
				   "href=\"?page=remove&amp;name=%s\">Remove</a> ",
				   item->entry.name);
		if (item->verdict == VERITY_QUARANTINED) {
			r = r ?: web_page_form(page, "retry", false, err);
			html_print(page->body,
				   "<input type=hidden name=name value=\"%s\">"
				   "<button>Try again</button></form>",
				   item->entry.name);
		}
		html_print(page->body,
			   "<a class=button href=\"?page=conflicts&amp;name=%s\">"
			   "Conflicts</a></div>\n",
			   item->entry.name);
	}
	return r;
}

int remove_page(struct web_page *page, struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	const char *name = request_field(page->request, "name");
	size_t count;
	int r = remove_find(page->device, &name, 1, &entries, &count, err);

	if (r == 0)
		r = web_page_form(page, "remove", false, err);
	if (r < 0)
		return r;
	html_print(page->body,
		   "<p class=lead>Remove the %spackage <strong>%s</strong>?</p>\n"
		   "<p>If it is active, it stays active until the next reboot.</p>\n"
		   "<input type=hidden name=name value=\"%s\">\n"
		   "<div class=actions><button class=danger>Remove %s</button> "
		   "<a class=button href=\"?page=packages\">Cancel</a></div>\n</form>\n",
		   entries[0].kind == OVERLAY_PERSISTENT ? "persistent " : "",
		   entries[0].name, entries[0].name, entries[0].name);
	return 0;
}
