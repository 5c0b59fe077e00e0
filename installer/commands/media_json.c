/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "installer/commands/media.h"
#include "verity/util/cleanup.h"
#include "verity/util/json.h"
#include "verity/util/text.h"

#define MEDIA_FORMAT 1

/* Labels come from outside, and may hold any byte; JSON may not. */
static bool put_text(struct json_object *object, const char *key, const char *text)
{
	char plain[256];

	if (!text || !text[0])
		return true;
	snprintf(plain, sizeof(plain), "%s", text);
	return verity_json_put(object, key,
			       json_object_new_string(verity_text_plain(plain)));
}

static bool put_item(struct json_object *object, const struct media_item *item)
{
	return put_text(object, "device", item->name) &&
	       put_text(object, "bus", media_bus_name(item->bus)) &&
	       put_text(object, "filesystem", item->type) &&
	       put_text(object, "volume", item->volume) &&
	       put_text(object, "uuid", item->uuid) &&
	       put_text(object, "partition_label", item->part_label) &&
	       verity_json_put(object, "bytes", json_object_new_uint64(item->bytes));
}

/* The words of the table, with nothing in them that a program had to quote. */
static bool put_state(struct json_object *object, const struct media_row *row)
{
	char state[32];

	snprintf(state, sizeof(state), "%s", media_state(row));
	for (char *at = state; *at; at++)
		if (*at == ' ')
			*at = '-';
	return put_text(object, "state", state);
}

static bool put_row(struct json_object *list, const struct media_row *row)
{
	struct json_object *object = json_object_new_object();

	return verity_json_append(list, object) &&
	       put_text(object, "label", row->label) &&
	       put_text(object, "match", row->match) && put_state(object, row) &&
	       (!row->item || put_item(object, row->item));
}

int media_json(const struct media_row *rows, size_t count, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object =
		json_object_new_object();
	struct json_object *media = json_object_new_array();
	bool whole = verity_json_put(object, "format", json_object_new_int(MEDIA_FORMAT));

	whole = verity_json_put(object, "media", media) && whole;
	for (size_t i = 0; whole && i < count; i++)
		whole = put_row(media, &rows[i]);
	if (!whole)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	puts(json_object_to_json_string_ext(
		object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	return 0;
}
