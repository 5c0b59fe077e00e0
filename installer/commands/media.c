/* SPDX-License-Identifier: MIT */

/* `wmopkg media`: the connected media, and the labels that select them. */

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/commands/commands.h"
#include "installer/common/report.h"
#include "installer/common/table.h"
#include "installer/device/device.h"
#include "installer/media/rows.h"
#include "installer/media/view.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_write.h"
#include "verity/util/text.h"

static const struct table_column columns[] = {
	{"LABEL", NULL, 8},  {"MATCH", "Match", 8},      {"DEVICE", "Device", 0},
	{"BUS", "Bus", 0},   {"TYPE", "File system", 0}, {"VOLUME", "Volume", 4},
	{"SIZE", "Size", 0}, {"STATE", "State", 0},
};

#define MEDIA_FORMAT 1 /* of the JSON */

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* Texts of a row that are made for the table. */
struct texts {
	char type[sizeof(((struct media_item *)NULL)->type)];
	char volume[MEDIA_TEXT_MAX];
	char size[VERITY_TEXT_SIZE_BYTES];
};

/* Names on a medium may hold any bytes. */
static void fill_row(const struct media_row *row, struct texts *texts, const char **cells)
{
	const struct media_item *item = row->item;

	for (size_t i = 0; i < COLUMNS; i++)
		cells[i] = "-";
	if (row->label) {
		cells[0] = row->label;
		cells[1] = row->match ? row->match : "SD, USB";
	}
	cells[7] = media_row_state(row);
	if (!item)
		return;
	memcpy(texts->type, item->type, sizeof(texts->type));
	memcpy(texts->volume, item->volume, sizeof(texts->volume));
	verity_text_format_size(item->bytes, texts->size);
	cells[2] = item->name;
	cells[3] = media_bus_name(item->bus);
	if (item->type[0])
		cells[4] = verity_text_plain(texts->type);
	if (item->volume[0])
		cells[5] = verity_text_plain(texts->volume);
	cells[6] = texts->size;
}

static int print_table(const struct media_row *rows, size_t count,
		       struct verity_error *err)
{
	cleanup_free const char **cells = calloc(count * COLUMNS, sizeof(*cells));
	cleanup_free struct texts *texts = calloc(count, sizeof(*texts));
	const struct table table = {"Media", columns, COLUMNS, cells, count};
	const struct layout layout = layout_of(STDOUT_FILENO);

	if (!cells || !texts)
		return verity_no_memory(err);
	for (size_t i = 0; i < count; i++)
		fill_row(&rows[i], &texts[i], cells + i * COLUMNS);
	table_print(stdout, &layout, &table);
	return 0;
}

static int print_json(const struct media_row *rows, size_t count,
		      struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	char state[32];

	verity_json_int(&json, "format", MEDIA_FORMAT);
	verity_json_open_list(&json, "media");
	for (size_t i = 0; i < count; i++) {
		const struct media_item *item = rows[i].item;

		verity_json_open(&json, NULL);
		verity_json_some_text(&json, "label", rows[i].label);
		verity_json_some_text(&json, "match", rows[i].match);
		/* The words of the table, in a form that needs no quotes. */
		snprintf(state, sizeof(state), "%s", media_row_state(&rows[i]));
		for (char *at = state; *at; at++)
			if (*at == ' ')
				*at = '-';
		verity_json_some_text(&json, "state", state);
		if (item) {
			verity_json_some_text(&json, "device", item->name);
			verity_json_some_text(&json, "bus", media_bus_name(item->bus));
			verity_json_some_text(&json, "filesystem", item->type);
			verity_json_some_text(&json, "volume", item->volume);
			verity_json_some_text(&json, "uuid", item->uuid);
			verity_json_some_text(&json, "partition_label", item->part_label);
			verity_json_uint(&json, "bytes", item->bytes);
		}
		verity_json_close(&json);
	}
	verity_json_close(&json);
	return verity_json_print(&json, stdout, err);
}

enum exit_status command_media(struct device *device, const struct words *words)
{
	cleanup_with(media_view_done) struct media_view view = {.external = NULL};
	cleanup_free struct media_row *rows = calloc(MEDIA_ROWS_MAX, sizeof(*rows));
	struct verity_error err;
	size_t count;
	int r = media_view_read(device, NULL, &view, &err);

	if (r == 0 && !rows)
		r = verity_no_memory(&err);
	if (r < 0)
		return report_error(NULL, &err);
	/* Some containers keep even root from devices: that is not about permissions. */
	for (size_t i = 0; geteuid() != 0 && i < view.list.count; i++)
		if (view.list.items[i].failure == EACCES) {
			report_warning("only root can see what is on media");
			break;
		}
	count = media_rows(&view, rows);
	r = words_has(words, WORD_JSON) ? print_json(rows, count, &err)
					: print_table(rows, count, &err);
	return r < 0 ? report_error(NULL, &err) : report_output();
}
