/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "installer/commands/media.h"
#include "verity/util/json_write.h"

#define MEDIA_FORMAT 1

static void put_item(struct verity_json_writer *json, const struct media_item *item)
{
	verity_json_some_text(json, "device", item->name);
	verity_json_some_text(json, "bus", media_bus_name(item->bus));
	verity_json_some_text(json, "filesystem", item->type);
	verity_json_some_text(json, "volume", item->volume);
	verity_json_some_text(json, "uuid", item->uuid);
	verity_json_some_text(json, "partition_label", item->part_label);
	verity_json_uint(json, "bytes", item->bytes);
}

int media_json(const struct media_row *rows, size_t count, struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	char state[32];

	verity_json_int(&json, "format", MEDIA_FORMAT);
	verity_json_open_list(&json, "media");
	for (size_t i = 0; i < count; i++) {
		verity_json_open(&json, NULL);
		verity_json_some_text(&json, "label", rows[i].label);
		verity_json_some_text(&json, "match", rows[i].match);
		/* The words of the table, in a form that needs no quotes. */
		snprintf(state, sizeof(state), "%s", media_state(&rows[i]));
		for (char *at = state; *at; at++)
			if (*at == ' ')
				*at = '-';
		verity_json_some_text(&json, "state", state);
		if (rows[i].item)
			put_item(&json, rows[i].item);
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}
