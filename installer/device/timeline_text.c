/* SPDX-License-Identifier: MIT */
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

static const char head_at[] = "AT ms";
static const char head_took[] = "TOOK ms";

/* In columns. */
struct widths {
	unsigned label;
	unsigned number;
	unsigned bar; /* 0: there is no room for bars */
};

/* Milliseconds with one decimal: "12.3". */
static const char *format_ms(uint64_t us, char *text, size_t size)
{
	uint64_t tenths = (us + 50) / 100;

	snprintf(text, size, "%" PRIu64 ".%" PRIu64, tenths / 10, tenths % 10);
	return text;
}

static unsigned widest_label(const struct timeline *timeline)
{
	unsigned widest = LABEL_MIN;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		unsigned width =
			(row->package ? INDENT : 0) + (unsigned)layout_width(row->name);

		widest = width > widest ? width : widest;
	}
	return widest;
}

/* Of the @rest that it shares with the bar, which has what it needs first. */
static unsigned choose_label(unsigned widest, unsigned rest)
{
	unsigned most = rest > LABEL_MAX + BAR_MAX   ? rest - BAR_MAX
			: rest > LABEL_MAX + BAR_MIN ? LABEL_MAX
						     : rest - BAR_MIN;

	return widest < most ? widest : most;
}

/*
 * Nothing is cut where there is no limit. First the label gives way to the bar, as far as
 * it can, then the bar goes.
 *
 * Return: false where there is not even room for the numbers.
 */
static bool plan(const struct timeline *timeline, unsigned room, struct widths *ret)
{
	char text[32];
	struct widths widths = {.label = widest_label(timeline)};
	unsigned fixed;

	format_ms(timeline->total_us, text, sizeof(text));
	widths.number = (unsigned)strlen(text);
	if (widths.number < sizeof(head_took) - 1)
		widths.number = sizeof(head_took) - 1;
	fixed = 2 * (GAP + widths.number) + 1; /* 1: the mark of the slowest */
	if (room == 0) {
		widths.bar = BAR_FILE;
		*ret = widths;
		return true;
	}
	if (room < LABEL_MIN + fixed)
		return false;
	if (room >= LABEL_MIN + fixed + 1 + BAR_MIN) {
		unsigned rest = room - fixed - 1;

		widths.label = choose_label(widths.label, rest);
		widths.bar = rest - widths.label;
		if (widths.bar > BAR_MAX)
			widths.bar = BAR_MAX;
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

/* What takes less than half a column is thinner than what takes one. */
static void print_bar(FILE *out, const struct layout *layout,
		      const struct timeline *timeline, const struct timeline_row *row,
		      unsigned room)
{
	struct timeline_bar bar = timeline_bar(timeline, &row->span, room);
	struct timeline_bar half = timeline_bar(timeline, &row->span, 2 * room);
	const char *full = layout->ascii ? "#" : "█";
	const char *thin = layout->ascii ? "|" : "▌";

	print_repeated(out, " ", bar.start + 1);
	print_repeated(out, half.length == 1 ? thin : full, bar.length);
}

static void print_row(FILE *out, const struct layout *layout,
		      const struct timeline *timeline, const struct timeline_row *row,
		      const struct widths *widths)
{
	unsigned indent = row->package ? INDENT : 0;
	char at[32], took[32];

	print_repeated(out, " ", indent);
	layout_cell(out, layout, row->name, widths->label - indent);
	fprintf(out, "%*s%*s", (int)(GAP + widths->number),
		format_ms(row->span.start_us, at, sizeof(at)),
		(int)(GAP + widths->number),
		format_ms(row->span.end_us - row->span.start_us, took, sizeof(took)));
	if (row->slowest || widths->bar)
		fputs(row->slowest ? "*" : " ", out);
	if (widths->bar)
		print_bar(out, layout, timeline, row, widths->bar);
	fputc('\n', out);
}

static void print_table(FILE *out, const struct layout *layout,
			const struct timeline *timeline, const struct widths *widths)
{
	fprintf(out, "%-*s%*s%*s\n", (int)widths->label, "STEP",
		(int)(GAP + widths->number), head_at, (int)(GAP + widths->number),
		head_took);
	for (size_t i = 0; i < timeline->count; i++)
		print_row(out, layout, timeline, &timeline->rows[i], widths);
}

/* For what is hardly a terminal. */
static void print_list(FILE *out, const struct layout *layout,
		       const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		char at[32], took[32];

		layout_printf(out, layout, (size_t)2 * INDENT,
			      "%*s%s: at %s ms, took %s ms%s", row->package ? INDENT : 0,
			      "", row->name,
			      format_ms(row->span.start_us, at, sizeof(at)),
			      format_ms(row->span.end_us - row->span.start_us, took,
					sizeof(took)),
			      row->slowest ? "*" : "");
	}
}

static void print_head(FILE *out, const struct layout *layout,
		       const struct timeline *timeline)
{
	const struct overlay_state *state = timeline->state;
	char from[32], took[32], number[32];

	snprintf(number, sizeof(number), state->boot ? "Boot %" PRIu64 : "This boot",
		 state->boot);
	layout_printf(out, layout, INDENT, "%s: %zu of %zu package%s active%s", number,
		      timeline->active, state->count, state->count == 1 ? "" : "s",
		      state->safe ? ", safe mode" : "");
	layout_printf(out, layout, INDENT,
		      "Activation: %s ms, from %s ms after the kernel started",
		      format_ms(timeline->total_us, took, sizeof(took)),
		      format_ms(timeline->start_us, from, sizeof(from)));
	if (state->stack.code != VERITY_OK)
		layout_printf(out, layout, INDENT, "No stack: %s", state->stack.message);
	fputc('\n', out);
}

/* Why each is not there, or has cost its time for nothing. */
static void print_left_out(FILE *out, const struct layout *layout,
			   const struct overlay_state *state)
{
	bool begun = false;

	for (size_t i = 0; i < state->count; i++) {
		const struct overlay_state_entry *entry = &state->entries[i];

		if (entry->active)
			continue;
		if (!begun)
			fputc('\n', out);
		begun = true;
		layout_printf(out, layout, (size_t)2 * INDENT, "%s: %s, not active%s%s",
			      entry->entry.name, verity_verdict_name(entry->verdict),
			      entry->reason.code ? ": " : "",
			      entry->reason.code ? entry->reason.message : "");
	}
}

static void print_legend(FILE *out, const struct layout *layout,
			 const struct timeline *timeline)
{
	for (size_t i = 0; i < timeline->count; i++)
		if (timeline->rows[i].slowest) {
			layout_print(
				out, layout, INDENT,
				"* took longest: of the steps, and of the packages of each");
			return;
		}
}

void timeline_print(FILE *out, const struct layout *layout,
		    const struct timeline *timeline)
{
	struct widths widths;

	print_head(out, layout, timeline);
	if (plan(timeline, (unsigned)layout->width, &widths))
		print_table(out, layout, timeline, &widths);
	else
		print_list(out, layout, timeline);
	print_legend(out, layout, timeline);
	print_left_out(out, layout, timeline->state);
}
