/* SPDX-License-Identifier: MIT */

/* Names of packages as people type them: with a suffix, or of packages that are not
 * there. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "installer/common/similar.h"
#include "installer/device/installed.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

const char *installed_name(const struct overlay_store *store, const char *typed,
			   char buffer[static VERITY_NAME_MAX + 1])
{
	struct overlay_entry entry;

	if (overlay_store_find(store, typed, &entry, NULL) == 0 || strchr(typed, '/') ||
	    verity_name_from_path(typed, buffer, NULL) < 0)
		return typed;
	return buffer;
}

int installed_fail_unknown(const struct overlay_store *store, const char *name,
			   struct verity_error *err)
{
	cleanup_free struct overlay_entry *entries = NULL;
	char names[VERITY_MESSAGE_MAX / 2] = "";
	size_t count;
	int r = overlay_store_list(store, &entries, &count, err);

	if (r < 0)
		return r;
	if (count == 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "%.128s: no such package (none is installed)", name);
	for (int similar = 1; similar >= 0; similar--)
		for (size_t i = 0; i < count; i++)
			if (similar_is(name, entries[i].name) == similar)
				verity_text_append(names, sizeof(names), "%s%s",
						   names[0] ? ", " : "", entries[i].name);
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "%.128s: no such package (installed: %s%s)", name, names,
			   strlen(names) + 1 < sizeof(names) ? "" : "...");
}
