/* SPDX-License-Identifier: MIT */
/* Lists what is connected, and describes it. */
#include "installer/media/rows.h"

#include <stdio.h>

size_t media_rows(const struct media_view *view, struct media_row *ret)
{
	size_t count = 0;

	ret[count++] = (struct media_row){OVERLAY_MEDIA_EXTERNAL, NULL, view->external};
	for (size_t i = 0; i < view->bootconf.media_count; i++)
		ret[count++] = (struct media_row){view->bootconf.media[i].label,
						  view->bootconf.media[i].match,
						  view->chosen[i]};
	for (size_t i = 0; i < view->list.count; i++) {
		const struct media_item *item = &view->list.items[i];
		bool labelled = item == view->external;

		for (size_t k = 0; k < view->bootconf.media_count; k++)
			labelled = labelled || item == view->chosen[k];
		if (media_external(item) && !labelled)
			ret[count++] = (struct media_row){NULL, NULL, item};
	}
	return count;
}

const char *media_row_state(const struct media_row *row)
{
	if (!row->item)
		return "not connected";
	if (row->item->probed == MEDIA_UNKNOWN)
		return "unknown file system";
	return row->item->probed == MEDIA_UNREADABLE ? "unreadable" : "connected";
}
