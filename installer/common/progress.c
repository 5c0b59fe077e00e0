/* SPDX-License-Identifier: MIT */
/* The progress bar, and the numbers below it. */
#include "installer/common/progress.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "installer/common/echo.h"
#include "installer/common/layout.h"
#include "verity/util/text.h"

/* The second one is for terminals on which the first would be two lines. */
static const struct scale {
	const char *text;
	unsigned columns; /* of the bar */
	unsigned width;   /* of all of it */
} scales[] = {
	{"0%       25%       50%       75%       100%\n"
	 "|---------+---------+---------+---------|\n",
	 41, 43},
	{"0%       50%       100%\n"
	 "|---------+---------|\n",
	 21, 23},
};

#define NUMBERS_AFTER_MS 3000
#define NUMBERS_EACH_MS  500

/* Of a VT100, as all terminals have them; none of them depends on the width. */
#define MAKE_ROOM                                                                        \
	"\x1b"                                                                           \
	"D\x1b[A"
#define LEAVE_BAR                                                                        \
	"\x1b"                                                                           \
	"7"
#define BACK_AGAIN                                                                       \
	"\x1b"                                                                           \
	"8"
#define ERASE "\x1b[K"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000) + now.tv_nsec / 1000000;
}

enum progress_style progress_style_of(int fd)
{
	const char *terminal = getenv("TERM");

	if (isatty(fd) != 1)
		return PROGRESS_ONCE;
	if (!terminal || !terminal[0] || strcmp(terminal, "dumb") == 0)
		return PROGRESS_BAR;
	return layout_of(fd).width > LAYOUT_WIDTH ? PROGRESS_NUMBERS : PROGRESS_LATER;
}

void progress_format_share(uint64_t some, uint64_t all, const char *between,
			   char ret[static PROGRESS_SHARE_BYTES])
{
	const bool large = all >= 1 << 20;
	const uint64_t unit = large ? 1 << 20 : 1 << 10;

	/* Bounded by VERITY_IMAGE_MAX, so far from overflow. */
	some = some * 10 / unit;
	all = all * 10 / unit;
	snprintf(ret, PROGRESS_SHARE_BYTES,
		 "%" PRIu64 ".%" PRIu64 "%s%" PRIu64 ".%" PRIu64 " %s", some / 10,
		 some % 10, between, all / 10, all % 10, large ? "MiB" : "KiB");
}

void progress_format(uint64_t done, uint64_t total, int64_t ms,
		     char ret[static PROGRESS_NUMBERS_BYTES])
{
	uint64_t rate = ms > 0 ? done * 1000 / (uint64_t)ms : 0; /* bytes/s */
	uint64_t left;

	progress_format_share(done, total, "/", ret);
	if (rate == 0)
		return;
	if (rate < 1000)
		verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "  %" PRIu64 " B/s",
				   rate);
	else if (rate < 10000000)
		verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "  %" PRIu64 " kB/s",
				   rate / 1000);
	else
		verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "  %" PRIu64 " MB/s",
				   rate / 1000000);
	left = done < total ? (total - done + rate - 1) / rate : 0; /* s */
	verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "  ");
	if (left >= 3600)
		verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "%" PRIu64 ":%02" PRIu64,
				   left / 3600, left / 60 % 60);
	else
		verity_text_append(ret, PROGRESS_NUMBERS_BYTES, "%" PRIu64, left / 60);
	verity_text_append(ret, PROGRESS_NUMBERS_BYTES, ":%02" PRIu64 " left", left % 60);
}

static void show(struct progress *progress, unsigned columns)
{
	if (progress->shown == 0 && progress->style != PROGRESS_ONCE)
		echo_off();
	for (; progress->shown < columns; progress->shown++)
		fputc(progress->shown == 0 || progress->shown == progress->columns - 1
			      ? '|'
			      : '=',
		      progress->out);
	fflush(progress->out);
}

/* On the line below; the cursor stays in the bar. */
static void show_numbers(struct progress *progress, uint64_t done)
{
	int64_t now = now_ms();
	char text[PROGRESS_NUMBERS_BYTES];

	if (progress->style < PROGRESS_LATER || progress->shown == 0 ||
	    (progress->style == PROGRESS_LATER &&
	     now - progress->begun_ms < NUMBERS_AFTER_MS) ||
	    (progress->below && now - progress->numbered_ms < NUMBERS_EACH_MS))
		return;
	progress_format(done, progress->total, now - progress->begun_ms, text);
	fprintf(progress->out, "%s" LEAVE_BAR "\n%s" ERASE BACK_AGAIN,
		progress->below ? "" : MAKE_ROOM, text);
	fflush(progress->out);
	progress->below = true;
	progress->numbered_ms = now;
}

/* The line of the bar, and what is below it. */
static void end_line(struct progress *progress)
{
	fputs(progress->below ? "\n" ERASE : "\n", progress->out);
	fflush(progress->out);
	progress->below = false;
	echo_restore();
}

void progress_begin(struct progress *progress, FILE *out, enum progress_style style,
		    const char *title, uint64_t total)
{
	const size_t width = layout_of(fileno(out)).width;
	const struct scale *scale = &scales[width && width < scales[0].width];

	assert(total > 0);
	*progress = (struct progress){
		.out = out,
		.style = style,
		.open = true,
		.total = total,
		.columns = scale->columns,
		.begun_ms = now_ms(),
	};
	fprintf(out, "%s:\n\n", title);
	fputs(scale->text, out);
	show(progress, style != PROGRESS_ONCE);
}

void progress_advance(struct progress *progress, uint64_t done)
{
	unsigned columns = 1;

	if (!progress->open || progress->style == PROGRESS_ONCE)
		return;
	/* Bounded by VERITY_IMAGE_MAX, so far from overflow. */
	columns += (unsigned)(done * (progress->columns - 1) / progress->total);
	show(progress, columns < progress->columns ? columns : progress->columns - 1);
	show_numbers(progress, done);
}

void progress_end(struct progress *progress)
{
	if (!progress->open)
		return;
	show(progress, progress->columns);
	end_line(progress);
	progress->open = false;
}

void progress_pause(struct progress *progress)
{
	if (!progress->open)
		return;
	if (progress->shown > 0)
		end_line(progress);
	fflush(progress->out);
	progress->shown = 0;
}

void progress_break(struct progress *progress)
{
	progress_pause(progress);
	progress->open = false;
}
