/* SPDX-License-Identifier: MIT */
/* What an undo would do, and the question before it. */
#include <stdio.h>

#include "installer/commands/undo.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"

int undo_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(undo_free) struct undo undo = {.count = 0};
	char line[UNDO_LINE_BYTES], mark[UNDO_MARK_BYTES];
	int r = undo_find(page->device, &undo, err);

	if (r == 0)
		r = undo_mark(&undo, mark, err);
	if (r == 0)
		r = web_page_form(page, "undo", false, err);
	if (r < 0)
		return r;
	html_print(page->body,
		   "<input type=hidden name=shown value=%s>\n"
		   "<p class=lead>Undo the last change?</p>\n<ul>\n",
		   mark);
	for (size_t i = 0; i < undo.count; i++) {
		undo_format(&undo.steps[i], line);
		html_print(page->body, "<li>%s</li>\n", line);
	}
	fputs("</ul>\n<div class=actions>", page->body);
	if (undo.possible > 0)
		fputs("<button class=danger>Undo</button> ", page->body);
	fputs("<a class=button href=\"?page=pending\">Cancel</a></div>\n</form>\n",
	      page->body);
	return 0;
}
