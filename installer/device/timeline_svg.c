/* SPDX-License-Identifier: MIT */
#include "installer/device/timeline.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "verity/util/cleanup.h"

/* In user units, which are pixels unless it is scaled. */
#define WIDTH      960
#define CHART_X    210 /* where time begins */
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

/* Of @text, what no XML may hold is '?': it comes from packages. */
static void put_escaped(FILE *out, const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++) {
		/* U+FFFE and U+FFFF */
		bool none = at[0] == 0xef && at[1] == 0xbf && at[2] >= 0xbe;

		if (none)
			at += 2;
		if (none || *at < ' ' || *at == 0x7f)
			fputc('?', out);
		else if (*at == '&')
			fputs("&amp;", out);
		else if (*at == '<')
			fputs("&lt;", out);
		else if (*at == '>')
			fputs("&gt;", out);
		else if (*at == '"')
			fputs("&quot;", out);
		else
			fputc(*at, out);
	}
}

static const char *format_ms(uint64_t us, char *text, size_t size)
{
	uint64_t tenths = (us + 50) / 100;

	snprintf(text, size, "%" PRIu64 ".%" PRIu64 " ms", tenths / 10, tenths % 10);
	return text;
}

/* In hundredths of a unit, so that no locale's comma gets into a number. */
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
	put_escaped(out, text);
	fputs("</text>\n", out);
}

/* 1, 2 or 5 and zeros, so that there are few enough. */
static uint64_t choose_tick(uint64_t total_us)
{
	for (uint64_t tick = 100;; tick *= 10)
		for (unsigned i = 0; i < 3; i++) {
			static const unsigned factors[] = {1, 2, 5};

			if (total_us / (tick * factors[i]) <= TICKS)
				return tick * factors[i];
		}
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

/* One bar, and what is told of it where a pointer rests on it. */
static void put_bar(FILE *out, const struct timeline *timeline,
		    const struct overlay_span *span, unsigned y, const char *color,
		    const char *what)
{
	unsigned start = scale(timeline, span->start_us);
	unsigned length = scale(timeline, span->end_us) - start;
	char at[TEXT_BYTES], took[TEXT_BYTES];

	fputs("<rect", out);
	put_number(out, "x", CHART_X * 100 + start);
	put_number(out, "width", length < 100 ? 100 : length);
	fprintf(out, " y=\"%u\" height=\"%d\" rx=\"1\" fill=\"%s\"><title>", y, BAR,
		color);
	put_escaped(out, what);
	fprintf(out, ": %s, from %s</title></rect>\n",
		format_ms(span->end_us - span->start_us, took, sizeof(took)),
		format_ms(span->start_us, at, sizeof(at)));
}

static void put_took(FILE *out, const struct timeline *timeline, uint64_t end_us,
		     uint64_t took_us, unsigned y, bool slowest)
{
	char text[TEXT_BYTES];

	fputs("<text", out);
	put_number(out, "x", CHART_X * 100 + scale(timeline, end_us) + 600);
	fprintf(out, " y=\"%u\" fill=\"" COLOR_FAINT "\"%s>%s%s</text>\n", y,
		slowest ? " font-weight=\"bold\"" : "",
		format_ms(took_us, text, sizeof(text)), slowest ? " *" : "");
}

static void put_label(FILE *out, unsigned y, const char *name, const char *attributes)
{
	char text[TEXT_BYTES];
	bool cut = strlen(name) > LABEL_MAX;

	snprintf(text, sizeof(text), "%.*s%s", cut ? LABEL_MAX - 1 : LABEL_MAX, name,
		 cut ? "…" : "");
	put_text(out, 16, y, attributes, text);
}

static void put_band(FILE *out, unsigned row)
{
	if (row % 2 == 0)
		fprintf(out,
			"<rect x=\"0\" y=\"%u\" width=\"%d\" height=\"%d\" "
			"fill=\"" COLOR_BAND "\"/>\n",
			HEAD + row * ROW, WIDTH, ROW);
}

static void put_step(FILE *out, const struct timeline *timeline,
		     const struct timeline_row *step, unsigned row)
{
	unsigned y = HEAD + row * ROW;

	put_label(out, y + 14, step->name, " fill=\"" COLOR_TEXT "\"");
	put_bar(out, timeline, &step->span, y + 4, COLOR_STEP, step->name);
	put_took(out, timeline, step->span.end_us,
		 step->span.end_us - step->span.start_us, y + 14, step->slowest);
}

/* All that is known of it, for who rests the pointer on its name. */
static void put_about(FILE *out, const struct overlay_state_entry *entry)
{
	fputs("<title>", out);
	put_escaped(out, entry->entry.name);
	fputc(' ', out);
	put_escaped(out, entry->version);
	fprintf(out, ": %s, %sactive", verity_verdict_name(entry->verdict),
		entry->active ? "" : "not ");
	if (entry->reason.code != VERITY_OK) {
		fputs(": ", out);
		put_escaped(out, entry->reason.message);
	}
	if (entry->description[0]) {
		fputs("\n", out);
		put_escaped(out, entry->description);
	}
	fputs("</title>", out);
}

/* A package has a row of its own, with its judging and its attaching. */
struct package_row {
	const struct overlay_state_entry *entry;
	const struct timeline_row *judging;   /* NULL: none */
	const struct timeline_row *attaching; /* NULL: none */
};

static void put_package(FILE *out, const struct timeline *timeline,
			const struct package_row *package, unsigned row)
{
	const struct overlay_state_entry *entry = package->entry;
	const char *color = entry->active ? COLOR_TEXT : COLOR_OUT;
	unsigned y = HEAD + row * ROW;
	uint64_t end = 0, took = 0;
	char attributes[TEXT_BYTES];
	bool slowest = false;

	snprintf(attributes, sizeof(attributes), " fill=\"%s\"", color);
	fputs("<g>", out);
	put_about(out, entry);
	put_label(out, y + 14, entry->entry.name, attributes);
	fputs("</g>\n", out);
	for (unsigned i = 0; i < 2; i++) {
		const struct timeline_row *part =
			i ? package->attaching : package->judging;

		if (!part)
			continue;
		put_bar(out, timeline, &part->span, y + 4, i ? COLOR_MOUNT : COLOR_JUDGE,
			i ? "attaching" : "judging");
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
	unsigned x = 16;

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
	char took[TEXT_BYTES], from[TEXT_BYTES], number[TEXT_BYTES];
	char text[VERITY_MESSAGE_MAX + TEXT_BYTES];

	fprintf(out,
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
		"<svg xmlns=\"http://www.w3.org/2000/svg\" version=\"1.1\" "
		"width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\" "
		"font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"%d\" height=\"%u\" fill=\"#ffffff\"/>\n",
		WIDTH, height, WIDTH, height, WIDTH, height);
	snprintf(number, sizeof(number), state->boot ? "Boot %" PRIu64 : "This boot",
		 state->boot);
	snprintf(text, sizeof(text),
		 "%s: activation took %s, from %s after the kernel started; "
		 "%zu of %zu package%s active%s",
		 number, format_ms(timeline->total_us, took, sizeof(took)),
		 format_ms(timeline->start_us, from, sizeof(from)), timeline->active,
		 state->count, state->count == 1 ? "" : "s",
		 state->safe ? ", safe mode" : "");
	put_text(out, 16, 24,
		 " font-size=\"15\" font-weight=\"bold\" fill=\"" COLOR_TEXT "\"", text);
	if (state->stack.code != VERITY_OK) {
		snprintf(text, sizeof(text), "no stack: %s", state->stack.message);
		put_text(out, 16, 42, " fill=\"" COLOR_OUT "\"", text);
	}
}

/* Those of the timeline, by when they first come up. */
static size_t collect(const struct timeline *timeline, struct package_row *rows,
		      size_t *places)
{
	size_t count = 0;

	for (size_t i = 0; i < timeline->count; i++) {
		const struct timeline_row *row = &timeline->rows[i];
		size_t index;

		if (!row->package)
			continue;
		index = (size_t)(row->package - timeline->state->entries);
		if (places[index] == 0) {
			rows[count].entry = row->package;
			places[index] = ++count;
		}
		if (row->step == OVERLAY_STEP_ATTACH)
			rows[places[index] - 1].attaching = row;
		else
			rows[places[index] - 1].judging = row;
	}
	return count;
}

static void put_rows(FILE *out, const struct timeline *timeline,
		     const struct package_row *packages, size_t count)
{
	unsigned row = 0;

	for (size_t i = 0; i < timeline->count; i++)
		if (!timeline->rows[i].package)
			put_step(out, timeline, &timeline->rows[i], row++);
	for (size_t i = 0; i < count; i++)
		put_package(out, timeline, &packages[i], row++);
}

static unsigned count_steps(const struct timeline *timeline)
{
	unsigned steps = 0;

	for (size_t i = 0; i < timeline->count; i++)
		steps += !timeline->rows[i].package;
	return steps;
}

int timeline_print_svg(FILE *out, const struct timeline *timeline,
		       struct verity_error *err)
{
	size_t most = timeline->state->count + 1;
	cleanup_free struct package_row *packages = calloc(most, sizeof(*packages));
	cleanup_free size_t *places = calloc(most, sizeof(*places));
	size_t count;
	unsigned rows, bottom;

	if (!packages || !places)
		return verity_fail(err, VERITY_E_NO_MEMORY, "out of memory");
	count = collect(timeline, packages, places);
	rows = count_steps(timeline) + (unsigned)count;
	bottom = HEAD + rows * ROW;
	put_head(out, timeline, bottom + LEGEND);
	for (unsigned row = 0; row < rows; row++)
		put_band(out, row);
	put_axis(out, timeline, bottom);
	put_rows(out, timeline, packages, count);
	put_legend(out, bottom + 24);
	fputs("</svg>\n", out);
	return 0;
}
