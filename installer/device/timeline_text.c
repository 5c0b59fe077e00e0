/* SPDX-License-Identifier: MIT */

/* Prints a timeline as text. */

#include "installer/device/timeline.h"

#include <inttypes.h>
#include <string.h>

#define INDENT    2 /* of a package below its step */
#define GAP       2 /* blanks between columns */
#define LABEL_MIN 8
#define LABEL_MAX 32
#define BAR_MIN   8
#define BAR_MAX   100
#define BAR_FILE  40 /* where there is no limit */

#define HEAD_AT   "AT ms"
#define HEAD_TOOK "TOOK ms"

/* In columns. */
struct widths {
	unsigned label;
	unsigned number;
	unsigned bar; /* 0: there is no room for bars */
};

/*
 * Without a limit nothing is cut. Else first the label is cut, so that there is a bar, as
 * far as it may be; then the bar is left out.
 *
 * Return: false where there is not even room for the numbers.
 */
static bool plan(const struct timeline *timeline, unsigned room, struct widths *ret)
{
	struct widths widths = {.label = LABEL_MIN};
	char text[TIMELINE_MS_BYTES];
	unsigned fixed, rest, most;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		unsigned width =
			(row->package ? INDENT : 0) + (unsigned)layout_width(row->name);

		widths.label = width > widths.label ? width : widths.label;
	}
	widths.number = (unsigned)strlen(timeline_format_ms(timeline->total_us, text));
	if (widths.number < strlen(HEAD_TOOK))
		widths.number = strlen(HEAD_TOOK);
	fixed = 2 * (GAP + widths.number) + 1; /* 1: the mark of the slowest */
	if (room && room < LABEL_MIN + fixed)
		return false;
	rest = room - fixed - 1;
	if (room == 0) {
		widths.bar = BAR_FILE;
	} else if (room >= LABEL_MIN + fixed + 1 + BAR_MIN) {
		most = rest > LABEL_MAX + BAR_MAX   ? rest - BAR_MAX
		       : rest > LABEL_MAX + BAR_MIN ? LABEL_MAX
						    : rest - BAR_MIN;
		widths.label = widths.label < most ? widths.label : most;
		widths.bar = rest - widths.label;
		widths.bar = widths.bar < BAR_MAX ? widths.bar : BAR_MAX;
	} else if (widths.label > room - fixed) {
		widths.label = room - fixed;
	}
	*ret = widths;
	return true;
}

static void print_repeated(FILE *out, const char *text, unsigned count)
{
	while (count--)
		fputs(text, out);
}

static void print_row(FILE *out, const struct layout *layout,
		      const struct timeline *timeline, const struct timeline_row *row,
		      const struct widths *widths)
{
	const char *full = layout->ascii ? "#" : "█";
	const char *thin = layout->ascii ? "|" : "▌";
	unsigned indent = row->package ? INDENT : 0;
	int number = (int)(GAP + widths->number);
	char at[TIMELINE_MS_BYTES], took[TIMELINE_MS_BYTES];
	struct timeline_bar bar, half;

	print_repeated(out, " ", indent);
	layout_cell(out, layout, row->name, widths->label - indent);
	fprintf(out, "%*s%*s", number, timeline_format_ms(row->span.start_us, at), number,
		timeline_format_ms(row->span.end_us - row->span.start_us, took));
	if (row->slowest || widths->bar)
		fputs(row->slowest ? "*" : " ", out);
	if (widths->bar) {
		bar = timeline_bar(timeline, &row->span, widths->bar);
		half = timeline_bar(timeline, &row->span, 2 * widths->bar);
		print_repeated(out, " ", bar.start + 1);
		/* Less than half a column is thinner than a column. */
		print_repeated(out, half.length == 1 ? thin : full, bar.length);
	}
	fputc('\n', out);
}

static void print_head(FILE *out, const struct layout *layout,
		       const struct timeline *timeline)
{
	const struct overlay_state *state = timeline->state;
	char from[TIMELINE_MS_BYTES], took[TIMELINE_MS_BYTES], number[32];

	snprintf(number, sizeof(number), state->boot ? "Boot %" PRIu64 : "This boot",
		 state->boot);
	layout_printf(out, layout, INDENT, "%s: %zu of %zu package%s active%s", number,
		      timeline->active, state->count, state->count == 1 ? "" : "s",
		      state->safe ? ", safe mode" : "");
	layout_printf(out, layout, INDENT,
		      "Activation: %s ms, from %s ms after the kernel started",
		      timeline_format_ms(timeline->total_us, took),
		      timeline_format_ms(timeline->start_us, from));
	if (state->stack.code != VERITY_OK)
		layout_printf(out, layout, INDENT, "No stack: %s", state->stack.message);
	fputc('\n', out);
}

/* The packages that are not active, with the reasons. */
static void print_left_out(FILE *out, const struct layout *layout,
			   const struct overlay_state *state)
{
	const char *before = "\n";

	for (size_t i = 0; i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];

		if (entry->active)
			continue;
		fputs(before, out);
		before = "";
		layout_printf(out, layout, (size_t)2 * INDENT, "%s: %s, not active%s%s",
			      entry->entry.name, verity_verdict_name(entry->verdict),
			      entry->reason.code ? ": " : "",
			      entry->reason.code ? entry->reason.message : "");
	}
}

void timeline_print(FILE *out, const struct layout *layout,
		    const struct timeline *timeline)
{
	char at[TIMELINE_MS_BYTES], took[TIMELINE_MS_BYTES];
	struct widths widths;
	bool marked = false;

	print_head(out, layout, timeline);
	if (plan(timeline, (unsigned)layout->width, &widths)) {
		fprintf(out, "%-*s%*s%*s\n", (int)widths.label, "STEP",
			(int)(GAP + widths.number), HEAD_AT, (int)(GAP + widths.number),
			HEAD_TOOK);
		for (size_t i = 0; i < timeline->count; i++)
			print_row(out, layout, timeline, &timeline->rows[i], &widths);
	} else {
		/* The terminal is too narrow for the table. */
		for (size_t i = 0; i < timeline->count; i++) {
			const struct timeline_row *row = &timeline->rows[i];
			uint64_t length = row->span.end_us - row->span.start_us;

			layout_printf(out, layout, (size_t)2 * INDENT,
				      "%*s%s: at %s ms, took %s ms%s",
				      row->package ? INDENT : 0, "", row->name,
				      timeline_format_ms(row->span.start_us, at),
				      timeline_format_ms(length, took),
				      row->slowest ? "*" : "");
		}
	}
	for (size_t i = 0; i < timeline->count; i++)
		marked = marked || timeline->rows[i].slowest;
	if (marked)
		layout_print(out, layout, INDENT,
			     "* took longest: of the steps, and of the packages of each");
	print_left_out(out, layout, timeline->state);
}
