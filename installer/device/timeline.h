/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * How long each step of a boot took, in the order in which it is shown: the steps that
 * took place, and below the two that handle each package, the packages by their start.
 * Computed without I/O; printed as text, as JSON and as an SVG image.
 */

#include "installer/common/layout.h"
#include "overlay/record/state.h"

struct timeline_row {
	const char *name; /* of the step or the package; borrowed */
	enum overlay_step step;
	const struct overlay_state_entry *package; /* NULL: the whole step; borrowed */
	struct overlay_span span;                  /* from the start of the timeline */
	bool slowest; /* of several steps, or of several packages of a step */
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
 * timeline_new - order the times of a boot
 * @state: borrowed, must outlive it
 * @ret:   filled on success only; timeline_free()
 *
 * Return: 0; -ENOENT (NOT_FOUND) where the state has no times; -ENOMEM.
 */
int timeline_new(const struct overlay_state *state, struct timeline *ret,
		 struct verity_error *err) must_check;

void timeline_free(struct timeline *timeline);

/* Position of a bar, in columns or any other unit. */
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

#define TIMELINE_MS_BYTES 32

/**
 * timeline_format_ms - milliseconds with one decimal: "12.3"
 *
 * Return: @ret.
 */
const char *timeline_format_ms(uint64_t us, char ret[static TIMELINE_MS_BYTES]);

/**
 * timeline_print - as text, no line wider than @layout
 *
 * Where that is too narrow for bars, only numbers are printed.
 */
void timeline_print(FILE *out, const struct layout *layout,
		    const struct timeline *timeline);

/**
 * timeline_print_json - as docs/schema/timeline.json describes
 */
int timeline_print_json(FILE *out, const struct timeline *timeline,
			struct verity_error *err) must_check;

/**
 * timeline_put_svg - as an SVG 1.1 element without external parts, for a page
 */
int timeline_put_svg(FILE *out, const struct timeline *timeline,
		     struct verity_error *err) must_check;

/**
 * timeline_print_svg - as an SVG 1.1 image without external parts
 */
int timeline_print_svg(FILE *out, const struct timeline *timeline,
		       struct verity_error *err) must_check;
