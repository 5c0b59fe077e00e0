/* SPDX-License-Identifier: MIT */
/* How long each step of the last boot took, as an image. */
#include <errno.h>

#include "installer/device/timeline.h"
#include "installer/web/all_pages.h"
#include "installer/web/html.h"
#include "verity/util/cleanup.h"

int boot_page(struct web_page *page, struct verity_error *err)
{
	cleanup_with(overlay_state_free) struct overlay_state state = {0};
	cleanup_with(timeline_free) struct timeline timeline = {0};
	int r = overlay_state_read(device_config(page->device)->run, &state, err);

	if (r == -ENOENT) {
		fputs("<p class=empty>Nothing was activated in this boot.</p>\n",
		      page->body);
		return 0;
	}
	if (r == 0)
		r = timeline_new(&state, &timeline, err);
	if (r < 0)
		return r;
	fputs("<div class=\"timeline card\" tabindex=0 role=region "
	      "aria-label=\"Timeline of the last boot\">\n",
	      page->body);
	r = timeline_put_svg(page->body, &timeline, err);
	fputs("</div>\n", page->body);
	return r;
}
