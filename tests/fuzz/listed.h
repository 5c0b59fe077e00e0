/* SPDX-License-Identifier: MIT */
#pragma once

/* What must hold of each list of the paths of an image. */

#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "overlay/contents/contents.h"

/* So that no input takes long: a sound image of the corpus is far below these. */
static const struct contents_limits listed_limits = {2000, 1 << 18, 2000};

/* Whatever an image says, what is listed are paths in order, each a name below another.
 */
static inline void listed_check(const struct overlay_contents *contents)
{
	for (size_t i = 0; i < contents->count; i++) {
		const struct overlay_contents_entry *entry = &contents->entries[i];
		char folder[OVERLAY_CONTENTS_PATH_MAX + 1];
		const char *slash = strrchr(entry->path, '/');
		const char *name = slash ? slash + 1 : entry->path;

		require(strlen(entry->path) <= OVERLAY_CONTENTS_PATH_MAX);
		require(name[0] != '\0' && strcmp(name, ".") != 0 &&
			strcmp(name, "..") != 0);
		require(i == 0 || strcmp(contents->entries[i - 1].path, entry->path) < 0);
		require(overlay_contents_find(contents, entry->path) == entry);
		require((entry->target != NULL) ==
			(entry->kind == OVERLAY_CONTENTS_LINK));
		if (!slash)
			continue;
		memcpy(folder, entry->path, (size_t)(slash - entry->path));
		folder[slash - entry->path] = '\0';
		entry = overlay_contents_find(contents, folder);
		require(entry && (entry->kind == OVERLAY_CONTENTS_FOLDER ||
				  entry->kind == OVERLAY_CONTENTS_OPAQUE));
	}
}
