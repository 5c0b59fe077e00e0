/* SPDX-License-Identifier: MIT */

/* Prints a timeline as an SVG image. */

#include "installer/device/timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "installer/common/markup.h"
#include "verity/util/cleanup.h"

/* In user units: pixels, unless the image is scaled. */
#define WIDTH      960
#define LABEL_X    16
#define CHART_X    210 /* start of the time axis */
#define CHART_W    640 /* the rest is for the numbers behind the bars */
#define HEAD       64
#define LEGEND     40 /* below the rows */
#define ROW        20
#define BAR        12
#define TICKS      8  /* at most */
#define LABEL_MAX  28 /* characters */
#define TEXT_BYTES 128

#define COLOR_TEXT  "#1c2733"
#define COLOR_FAINT "#5b6b7b"
#define COLOR_GRID  "#dfe5eb"
#define COLOR_BAND  "#f4f6f8"
#define COLOR_STEP  "#51606f"
#define COLOR_JUDGE "#2f7fd1"
#define COLOR_MOUNT "#1f9e77"
#define COLOR_OUT   "#c4472f"

/* In hundredths of a unit: no locale can put a comma into an integer. */
static unsigned scale(const struct timeline *timeline, uint64_t us)
{
	double part = timeline->total_us ? (double)us / (double)timeline->total_us : 0;

	return (unsigned)(part * CHART_W * 100);
}

static void put_number(FILE *out, const char *name, unsigned hundredths)
{
	fprintf(out, " %s=\"%u.%02u\"", name, hundredths / 100, hundredths % 100);
}

static void put_text(FILE *out, unsigned x, unsigned y, const char *attributes,
		     const char *text)
{
	fprintf(out, "<text x=\"%u\" y=\"%u\"%s>", x, y, attributes);
	markup_put_text(out, text);
	fputs("</text>\n", out);
}

/* 1, 2 or 5 times a power of ten, so that there are at most TICKS. */
static uint64_t choose_tick(uint64_t total_us)
{
	static const unsigned factors[] = {1, 2, 5};

	for (uint64_t tick = 100;; tick *= 10)
		for (unsigned i = 0; i < 3; i++)
			if (total_us / (tick * factors[i]) <= TICKS)
				return tick * factors[i];
}

static void put_axis(FILE *out, const struct timeline *timeline, unsigned bottom)
{
	uint64_t tick = choose_tick(timeline->total_us);

	for (uint64_t at = 0; at <= timeline->total_us; at += tick) {
		unsigned x = CHART_X * 100 + scale(timeline, at);
		char text[TEXT_BYTES];

		fputs("<line", out);
		put_number(out, "x1", x);
		put_number(out, "x2", x);
		fprintf(out, " y1=\"%d\" y2=\"%u\" stroke=\"" COLOR_GRID "\"/>\n", HEAD,
			bottom);
		fputs("<text", out);
		put_number(out, "x", x);
		if (tick % 1000 == 0)
			snprintf(text, sizeof(text), "%" PRIu64, at / 1000);
		else
			snprintf(text, sizeof(text), "%" PRIu64 ".%" PRIu64, at / 1000,
				 at % 1000 / 100);
		fprintf(out,
			" y=\"%d\" text-anchor=\"middle\" fill=\"" COLOR_FAINT
			"\">%s%s</text>\n",
			HEAD - 6, text, at == 0 ? " ms" : "");
	}
}

/* A bar, with a text that is shown where the pointer rests on it. */
static void put_bar(FILE *out, const struct timeline *timeline,
		    const struct overlay_span *span, unsigned y, const char *color,
		    const char *what)
{
	unsigned start = scale(timeline, span->start_us);
	unsigned length = scale(timeline, span->end_us) - start;
	char at[TIMELINE_MS_BYTES], took[TIMELINE_MS_BYTES];

	fputs("<rect", out);
	put_number(out, "x", CHART_X * 100 + start);
	put_number(out, "width", length < 100 ? 100 : length);
	fprintf(out, " y=\"%u\" height=\"%d\" rx=\"1\" fill=\"%s\"><title>", y, BAR,
		color);
	markup_put_text(out, what);
	fprintf(out, ": %s ms, from %s ms</title></rect>\n",
		timeline_format_ms(span->end_us - span->start_us, took),
		timeline_format_ms(span->start_us, at));
}

static void put_took(FILE *out, const struct timeline *timeline, uint64_t end_us,
		     uint64_t took_us, unsigned y, bool slowest)
{
	char text[TIMELINE_MS_BYTES];

	fputs("<text", out);
	put_number(out, "x", CHART_X * 100 + scale(timeline, end_us) + 600);
	fprintf(out, " y=\"%u\" fill=\"" COLOR_FAINT "\"%s>%s ms%s</text>\n", y,
		slowest ? " font-weight=\"bold\"" : "", timeline_format_ms(took_us, text),
		slowest ? " *" : "");
}

static void put_label(FILE *out, unsigned y, const char *name, const char *color)
{
	char text[TEXT_BYTES], attributes[TEXT_BYTES];
	bool cut = strlen(name) > LABEL_MAX;

	snprintf(text, sizeof(text), "%.*s%s", cut ? LABEL_MAX - 1 : LABEL_MAX, name,
		 cut ? "…" : "");
	snprintf(attributes, sizeof(attributes), " fill=\"%s\"", color);
	put_text(out, LABEL_X, y, attributes, text);
}

/* All that is known of a package, shown where the pointer rests on its name. */
static void put_about(FILE *out, const struct overlay_state_entry *entry)
{
	fputs("<title>", out);
	markup_put_text(out, entry->entry.name);
	fputc(' ', out);
	markup_put_text(out, entry->version);
	fprintf(out, ": %s, %sactive", verity_verdict_name(entry->verdict),
		entry->active ? "" : "not ");
	if (entry->reason.code != VERITY_OK) {
		fputs(": ", out);
		markup_put_text(out, entry->reason.message);
	}
	if (entry->description[0]) {
		fputs("\n", out);
		markup_put_text(out, entry->description);
	}
	fputs("</title>", out);
}

/* A package has one row, with its verification and its attaching. */
struct package_row {
	const struct overlay_state_entry *entry;
	const struct timeline_row *parts[2]; /* NULL: did not take place */
};

static void put_package(FILE *out, const struct timeline *timeline,
			const struct package_row *package, unsigned y)
{
	static const struct {
		const char *color, *name;
	} parts[] = {{COLOR_JUDGE, "judging"}, {COLOR_MOUNT, "attaching"}};
	const struct overlay_state_entry *entry = package->entry;
	uint64_t end = 0, took = 0;
	bool slowest = false;

	fputs("<g>", out);
	put_about(out, entry);
	put_label(out, y + 14, entry->entry.name, entry->active ? COLOR_TEXT : COLOR_OUT);
	fputs("</g>\n", out);
	for (unsigned i = 0; i < 2; i++) {
		const struct timeline_row *part = package->parts[i];

		if (!part)
			continue;
		put_bar(out, timeline, &part->span, y + 4, parts[i].color, parts[i].name);
		end = part->span.end_us > end ? part->span.end_us : end;
		took += part->span.end_us - part->span.start_us;
		slowest = slowest || part->slowest;
	}
	put_took(out, timeline, end, took, y + 14, slowest);
}

static void put_legend(FILE *out, unsigned y)
{
	static const struct {
		const char *color, *text;
	} items[] = {{COLOR_STEP, "step"},
		     {COLOR_JUDGE, "judging a package"},
		     {COLOR_MOUNT, "attaching it"},
		     {COLOR_OUT, "not active"}};
	unsigned x = LABEL_X;

	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++, x += 160) {
		fprintf(out,
			"<rect x=\"%u\" y=\"%u\" width=\"12\" height=\"12\" rx=\"1\" "
			"fill=\"%s\"/>\n",
			x, y - 10, items[i].color);
		put_text(out, x + 18, y, " fill=\"" COLOR_FAINT "\"", items[i].text);
	}
	put_text(out, x, y, " fill=\"" COLOR_FAINT "\"", "* took longest");
}

static void put_head(FILE *out, const struct timeline *timeline, unsigned height)
{
	const struct overlay_state *state = timeline->state;
	char took[TIMELINE_MS_BYTES], from[TIMELINE_MS_BYTES], number[TEXT_BYTES];
	char text[VERITY_MESSAGE_MAX + TEXT_BYTES];

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" "
		"width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"%d\" height=\"%u\" fill=\"#ffffff\"/>\n",
		WIDTH, height, WIDTH, height, WIDTH, height);
	snprintf(number, sizeof(number), state->boot ? "Boot %" PRIu64 : "This boot",
		 state->boot);
	snprintf(text, sizeof(text),
		 "%s: activation took %s ms, from %s ms after the kernel started; "
		 "%zu of %zu package%s active%s",
		 number, timeline_format_ms(timeline->total_us, took),
		 timeline_format_ms(timeline->start_us, from), timeline->active,
		 state->count, state->count == 1 ? "" : "s",
		 state->safe ? ", safe mode" : "");
	put_text(out, LABEL_X, 24,
		 " font-size=\"15\" font-weight=\"bold\" fill=\"" COLOR_TEXT "\"", text);
	if (state->stack.code != VERITY_OK) {
		snprintf(text, sizeof(text), "no stack: %s", state->stack.message);
		put_text(out, LABEL_X, 42, " fill=\"" COLOR_OUT "\"", text);
	}
}

/* The packages of the timeline, by their first row. */
static size_t collect(const struct timeline *timeline, struct package_row *rows)
{
	size_t count = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		size_t k = 0;

		if (!row->package)
			continue;
		while (k < count && rows[k].entry != row->package)
			k++;
		count += k == count;
		rows[k].entry = row->package;
		rows[k].parts[row->step == OVERLAY_STEP_ATTACH] = row;
	}
	return count;
}

int timeline_put_svg(FILE *out, const struct timeline *timeline, struct verity_error *err)
{
	cleanup_free struct package_row *packages =
		calloc(timeline->state->count + 1, sizeof(*packages));
	size_t count;
	unsigned bottom, y = HEAD;

	if (!packages)
		return verity_no_memory(err);
	count = collect(timeline, packages);
	bottom = HEAD + (unsigned)count * ROW;
	for (size_t i = 0; i < timeline->count; i++)
		bottom += timeline->rows[i].package ? 0 : ROW;
	put_head(out, timeline, bottom + LEGEND);
	for (unsigned band = HEAD; band < bottom; band += 2 * ROW)
		fprintf(out,
			"<rect x=\"0\" y=\"%u\" width=\"%d\" height=\"%d\" "
			"fill=\"" COLOR_BAND "\"/>\n",
			band, WIDTH, ROW);
	put_axis(out, timeline, bottom);
	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *step = &timeline->rows[i];

		if (step->package)
			continue;
		put_label(out, y + 14, step->name, COLOR_TEXT);
		put_bar(out, timeline, &step->span, y + 4, COLOR_STEP, step->name);
		put_took(out, timeline, step->span.end_us,
			 step->span.end_us - step->span.start_us, y + 14, step->slowest);
		y += ROW;
	}
	for (size_t i = 0; i < count; i++, y += ROW)
		put_package(out, timeline, &packages[i], y);
	put_legend(out, bottom + 24);
	fputs("</svg>\n", out);
	return 0;
}

int timeline_print_svg(FILE *out, const struct timeline *timeline,
		       struct verity_error *err)
{
	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	return timeline_put_svg(out, timeline, err);
}
