/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * What a boot took how long, in the order that it is shown in: the steps that took place,
 * and below the two that deal with each package the packages, by their start. Planned
 * purely; printed as text and as a picture.
 */

#include "installer/common/layout.h"
#include "overlay/record/state.h"

struct timeline_row {
	const char *name; /* of the step or the package; borrowed */
	enum overlay_step step;
	const struct overlay_state_entry
		*package;         /* NULL: the step as a whole; borrowed */
	struct overlay_span span; /* from the beginning of the timeline */
	bool slowest; /* of all steps, or of all packages of its step, where there is more
			 than one */
};

struct timeline {
	const struct overlay_state *state; /* borrowed */
	struct timeline_row *rows;         /* owned */
	size_t count;
	uint64_t start_us; /* since the kernel started */
	uint64_t total_us;
	size_t active; /* packages */
};

/**
 * timeline_new - put in order what took place
 * @state: borrowed, must outlive it
 * @ret:   filled on success alone; timeline_free()
 *
 * Return: 0; -ENOENT (NOT_FOUND) where the state has no times; -ENOMEM.
 */
int timeline_new(const struct overlay_state *state, struct timeline *ret,
		 struct verity_error *err) must_check;

void timeline_free(struct timeline *timeline);

/* Where a bar lies: columns, or any other unit. */
struct timeline_bar {
	unsigned start;
	unsigned length; /* at least 1 */
};

#define TIMELINE_BAR_MAX 1024 /* units of a bar */

/**
 * timeline_bar - the part of @room units that a span takes
 * @room: 1 .. TIMELINE_BAR_MAX
 */
struct timeline_bar timeline_bar(const struct timeline *timeline,
				 const struct overlay_span *span, unsigned room);

/**
 * timeline_print - as text, no line wider than @layout
 *
 * Where that is too narrow for bars, numbers are all there is.
 */
void timeline_print(FILE *out, const struct layout *layout,
		    const struct timeline *timeline);

/**
 * timeline_print_json - as docs/schema/timeline.json has it
 */
int timeline_print_json(FILE *out, const struct timeline *timeline,
			struct verity_error *err) must_check;

/**
 * timeline_print_svg - as a picture: SVG 1.1, complete in itself
 */
int timeline_print_svg(FILE *out, const struct timeline *timeline,
		       struct verity_error *err) must_check;
