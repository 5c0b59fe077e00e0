/* SPDX-License-Identifier: MIT */
/* The newest lines of the audit log. */
#include <errno.h>
#include <stdio.h>

#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "overlay/record/audit.h"
#include "verity/util/json.h"

#define LINES_MAX 200

static void put_line(void *context, const char *line, size_t size,
		     struct json_object *object)
{
	char time[OVERLAY_AUDIT_TIME_BYTES], text[OVERLAY_AUDIT_TEXT_BYTES];

	(void)line;
	(void)size;
	if (!object) {
		fputs("<tr><td colspan=5>A line that cannot be read</td></tr>\n",
		      context);
		return;
	}
	overlay_audit_format_time(object, time);
	overlay_audit_describe(object, text);
	html_print(context,
		   "<tr><td data-label=Time class=time>%s</td><td data-label=Boot>%s</td>"
		   "<td data-label=User>%s</td><td data-label=Event>%s</td>"
		   "<td data-label=What>%s</td></tr>\n",
		   time, overlay_audit_get(object, "boot"),
		   overlay_audit_get(object, "user"), overlay_audit_get(object, "event"),
		   text);
}

int audit_page(struct web_page *page, struct verity_error *err)
{
	const struct overlay_state *state = device_state(page->device);
	struct overlay_audit_check check;
	int record = -1;
	int r = device_record_find(page->device, &record, err);

	if (r == 0 && record < 0)
		r = -ENOENT;
	if (r == -ENOENT) {
		fputs("<p class=empty>There is no audit log yet.</p>\n", page->body);
		return 0;
	}
	if (r < 0)
		return r;
	/* Lines that were changed must not look as if they were not. */
	r = overlay_audit_verify(record, state ? state->boot : 0, &check, err);
	if (r < 0)
		messages_add(page->messages, MESSAGE_KIND_WARNING, err->message);
	else
		html_print(page->body,
			   "<p class=lead>%zu lines, number %zu to %zu, not changed. The "
			   "newest ones are shown.</p>\n",
			   (size_t)check.lines, (size_t)check.first, (size_t)check.last);
	fputs("<table class=cards>\n<thead><tr><th scope=col>Time (UTC)<th scope=col>Boot"
	      "<th scope=col>User<th scope=col>Event<th scope=col>Package, verdict, reason"
	      "</tr></thead>\n<tbody>\n",
	      page->body);
	r = overlay_audit_each(record, LINES_MAX, true, put_line, page->body, err);
	fputs("</tbody>\n</table>\n", page->body);
	return r == -ENOENT ? 0 : r;
}
