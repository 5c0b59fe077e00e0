/* SPDX-License-Identifier: MIT */
#include "installer/device/timeline.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

static void timeline_free_p(struct timeline *timeline)
{
	timeline_free(timeline);
}

void timeline_free(struct timeline *timeline)
{
	free(timeline->rows);
	timeline->rows = NULL;
	timeline->count = 0;
}

static uint64_t length(const struct overlay_span *span)
{
	return span->end_us - span->start_us;
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

/* Of one row there is no slowest, nor of those that took no time at all. */
static void mark_slowest(struct timeline_row *const *rows, size_t count)
{
	struct timeline_row *slowest = NULL;

	for (size_t i = 0; i < count; i++)
		if (!slowest || length(&rows[i]->span) > length(&slowest->span))
			slowest = rows[i];
	if (count > 1 && length(&slowest->span) > 0)
		slowest->slowest = true;
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

/* The steps alone, or all the packages below one of them. */
static void mark(struct timeline *timeline, struct timeline_row **marked)
{
	size_t steps = 0;

	for (size_t i = 0; i < timeline->count; i++)
		if (!timeline->rows[i].package)
			marked[steps++] = &timeline->rows[i];
	mark_slowest(marked, steps);
	for (size_t i = 0; i < timeline->count;) {
		size_t count = 0;

		while (i < timeline->count && timeline->rows[i].package)
			marked[count++] = &timeline->rows[i++];
		mark_slowest(marked, count);
		i += count == 0;
	}
}

static void measure(struct timeline *timeline)
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
	cleanup_with(timeline_free_p) struct timeline timeline = {.state = state};
	cleanup_free struct timeline_row **marked = NULL;
	size_t room = OVERLAY_STEPS + 2 * state->count;

	timeline.rows = calloc(room, sizeof(*timeline.rows));
	marked = calloc(room, sizeof(struct timeline_row *));
	if (!timeline.rows || !marked)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	for (unsigned i = 0; i < OVERLAY_STEPS; i++) {
		enum overlay_step step = (enum overlay_step)i;

		add(&timeline, step, NULL, &state->steps[i]);
		add_packages(&timeline, step);
	}
	if (timeline.count == 0 && state->stack.code != VERITY_OK)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "no times were kept of this boot: %s",
				   state->stack.message);
	if (timeline.count == 0)
		return verity_fail(err, VERITY_E_NOT_FOUND,
				   "this boot kept no times: the wmopkg-activate that "
				   "ran in it is an older one (make the initramfs anew)");
	for (size_t i = 0; i < state->count; i++)
		timeline.active += state->entries[i].active;
	measure(&timeline);
	mark(&timeline, marked);
	*ret = timeline;
	timeline.rows = NULL;
	return 0;
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
