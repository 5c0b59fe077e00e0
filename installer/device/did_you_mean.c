/* SPDX-License-Identifier: MIT */

/* "no such package", with the names that may have been meant. */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "installer/device/installed.h"
#include "verity/util/cleanup.h"
#include "verity/util/text.h"

#define TYPED_MAX (2 * VERITY_NAME_MAX)

/* Characters to insert, delete or replace between two words; @b a valid name. */
static size_t edit_distance(const char *a, const char *b)
{
	size_t row[VERITY_NAME_MAX + 1];
	size_t length = strlen(b);

	for (size_t j = 0; j <= length; j++)
		row[j] = j;
	for (size_t i = 0; a[i]; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < length; j++) {
			size_t next = diagonal + (tolower((unsigned char)a[i]) !=
						  tolower((unsigned char)b[j]));

			next = row[j] + 1 < next ? row[j] + 1 : next;
			next = row[j + 1] + 1 < next ? row[j + 1] + 1 : next;
			diagonal = row[j + 1];
			row[j + 1] = next;
		}
	}
	return row[length];
}

/* One is a part of the other, or a typing error away from it. */
static bool is_similar(const char *typed, const char *name)
{
	size_t length = strnlen(typed, TYPED_MAX);

	if (length == 0 || length == TYPED_MAX)
		return false;
	return strcasestr(name, typed) || strcasestr(typed, name) ||
	       edit_distance(typed, name) <= length / 3;
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
			if (is_similar(name, entries[i].name) == similar)
				verity_text_append(names, sizeof(names), "%s%s",
						   names[0] ? ", " : "", entries[i].name);
	return verity_fail(err, VERITY_E_NOT_FOUND,
			   "%.128s: no such package (installed: %s%s)", name, names,
			   strlen(names) + 1 < sizeof(names) ? "" : "...");
}
