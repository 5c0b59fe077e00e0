/* SPDX-License-Identifier: MIT */

/* Orders the times of a boot, and finds the slowest ones. */

#include "installer/device/timeline.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

void timeline_free(struct timeline *timeline)
{
	free(timeline->rows);
	timeline->rows = NULL;
	timeline->count = 0;
}

static void add(struct timeline *timeline, enum overlay_step step,
		const struct overlay_state_entry *package,
		const struct overlay_span *span)
{
	if (!overlay_span_took_place(span))
		return;
	timeline->rows[timeline->count++] = (struct timeline_row){
		.name = package ? package->entry.name : overlay_step_name(step),
		.step = step,
		.package = package,
		.span = *span,
	};
}

static int compare(const void *a, const void *b)
{
	const struct timeline_row *left = a;
	const struct timeline_row *right = b;

	if (left->span.start_us != right->span.start_us)
		return left->span.start_us < right->span.start_us ? -1 : 1;
	return strcmp(left->name, right->name);
}

static void add_packages(struct timeline *timeline, enum overlay_step step)
{
	const struct overlay_state *state = timeline->state;
	size_t first = timeline->count;

	for (size_t i = 0; i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];

		if (step == OVERLAY_STEP_JUDGE)
			add(timeline, step, entry, &entry->judging);
		else if (step == OVERLAY_STEP_ATTACH)
			add(timeline, step, entry, &entry->attaching);
	}
	if (timeline->count > first)
		qsort(timeline->rows + first, timeline->count - first,
		      sizeof(*timeline->rows), compare);
}

/*
 * Marks the slowest of the steps, or of the packages of @step. There is none of a single
 * row, or where all took no time.
 */
static void mark_slowest(struct timeline *timeline, bool packages, unsigned step)
{
	struct timeline_row *slowest = NULL;
	uint64_t longest = 0;
	size_t count = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		struct timeline_row *row = &timeline->rows[i];
		uint64_t length = row->span.end_us - row->span.start_us;

		if ((row->package != NULL) != packages || (packages && row->step != step))
			continue;
		count++;
		if (length > longest) {
			longest = length;
			slowest = row;
		}
	}
	if (count > 1 && slowest)
		slowest->slowest = true;
}

/* Counts all times from the start of the first row. */
static void rebase(struct timeline *timeline)
{
	uint64_t start = UINT64_MAX;
	uint64_t end = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct overlay_span *span = &timeline->rows[i].span;

		start = span->start_us < start ? span->start_us : start;
		end = span->end_us > end ? span->end_us : end;
	}
	for (size_t i = 0; i < timeline->count; i++) {
		timeline->rows[i].span.start_us -= start;
		timeline->rows[i].span.end_us -= start;
	}
	timeline->start_us = start;
	timeline->total_us = end - start;
}

int timeline_new(const struct overlay_state *state, struct timeline *ret,
		 struct verity_error *err)
{
	cleanup_with(timeline_free) struct timeline timeline = {.state = state};

	timeline.rows = calloc(OVERLAY_STEPS + 2 * state->count, sizeof(*timeline.rows));
	if (!timeline.rows)
		return verity_no_memory(err);
	for (unsigned i = 0; i < OVERLAY_STEPS; i++) {
		add(&timeline, (enum overlay_step)i, NULL, &state->steps[i]);
		add_packages(&timeline, (enum overlay_step)i);
	}
	if (timeline.count == 0 && state->stack.code != VERITY_OK)
		return verity_fail(
			err, VERITY_E_NOT_FOUND,
			"no times were recorded in this boot: %s (see 'wmopkg show')",
			state->stack.message);
	if (timeline.count == 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "no times were recorded in this boot: its "
				   "wmopkg-activate is an older version (build the "
				   "initramfs again)");
	for (size_t i = 0; i < state->count; i++)
		timeline.active += state->entries[i].active;
	rebase(&timeline);
	mark_slowest(&timeline, false, 0);
	mark_slowest(&timeline, true, OVERLAY_STEP_JUDGE);
	mark_slowest(&timeline, true, OVERLAY_STEP_ATTACH);
	*ret = timeline;
	timeline.rows = NULL;
	return 0;
}

const char *timeline_format_ms(uint64_t us, char ret[static TIMELINE_MS_BYTES])
{
	uint64_t tenths = (us + 50) / 100;

	snprintf(ret, TIMELINE_MS_BYTES, "%" PRIu64 ".%" PRIu64, tenths / 10,
		 tenths % 10);
	return ret;
}

struct timeline_bar timeline_bar(const struct timeline *timeline,
				 const struct overlay_span *span, unsigned room)
{
	uint64_t total = timeline->total_us ? timeline->total_us : 1;
	uint64_t start, end;

	assert(room >= 1 && room <= TIMELINE_BAR_MAX);
	start = span->start_us * room / total;
	end = (span->end_us * room + total - 1) / total;
	if (start >= room)
		start = room - 1;
	if (end <= start)
		end = start + 1;
	return (struct timeline_bar){(unsigned)start, (unsigned)(end - start)};
}
