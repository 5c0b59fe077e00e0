/* SPDX-License-Identifier: MIT */

/* Prints a timeline as JSON. */

#include "installer/device/timeline.h"

#include "verity/util/json_write.h"

#define BOOT_FORMAT 1

static void put_times(struct verity_json_writer *json, const struct timeline_row *row)
{
	verity_json_uint(json, "start_us", row->span.start_us);
	verity_json_uint(json, "took_us", row->span.end_us - row->span.start_us);
	if (row->slowest)
		verity_json_bool(json, "slowest", true);
}

/* What did not take place is left out. */
static void put_part(struct verity_json_writer *json, const char *key,
		     const struct timeline *timeline,
		     const struct overlay_state_entry *entry, enum overlay_step step)
{
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];

		if (row->package != entry || row->step != step)
			continue;
		verity_json_open(json, key);
		put_times(json, row);
		verity_json_close(json);
		return;
	}
}

static void put_package(struct verity_json_writer *json, const struct timeline *timeline,
			const struct overlay_state_entry *entry)
{
	verity_json_open(json, NULL);
	verity_json_text(json, "name", entry->entry.name);
	verity_json_bool(json, "persistent", entry->entry.kind == OVERLAY_PERSISTENT);
	verity_json_some_text(json, "version", entry->version);
	verity_json_text(json, "verification", verity_verdict_name(entry->verdict));
	verity_json_bool(json, "active", entry->active);
	verity_json_reason(json, "reason", &entry->reason,
			   verity_code_hint(entry->reason.code));
	put_part(json, "judging", timeline, entry, OVERLAY_STEP_JUDGE);
	put_part(json, "attaching", timeline, entry, OVERLAY_STEP_ATTACH);
	verity_json_close(json);
}

int timeline_print_json(FILE *out, const struct timeline *timeline,
			struct verity_error *err)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	const struct overlay_state *state = timeline->state;

	verity_json_int(&json, "format", BOOT_FORMAT);
	if (state->boot)
		verity_json_uint(&json, "boot", state->boot);
	verity_json_bool(&json, "safe", state->safe);
	verity_json_reason(&json, "stack", &state->stack,
			   verity_code_hint(state->stack.code));
	verity_json_uint(&json, "began_us", timeline->start_us);
	verity_json_uint(&json, "took_us", timeline->total_us);
	verity_json_open_list(&json, "steps");
	for (size_t i = 0; i < timeline->count; i++) {
		if (timeline->rows[i].package)
			continue;
		verity_json_open(&json, NULL);
		verity_json_some_text(&json, "step", timeline->rows[i].name);
		put_times(&json, &timeline->rows[i]);
		verity_json_close(&json);
	}
	verity_json_close(&json);
	verity_json_open_list(&json, "packages");
	for (size_t i = 0; i < state->count; i++)
		put_package(&json, timeline, &state->entries[i]);
	verity_json_close(&json);
	return verity_json_print(&json, out, err);
}
