/* SPDX-License-Identifier: MIT */
/* The progress bar. */
#include "installer/common/progress.h"

#include <assert.h>

#define SCALE                                                                            \
	"0%       25%       50%       75%       100%\n"                                  \
	"|---------+---------+---------+---------|\n"
#define COLUMNS 41

static void show(struct progress *progress, unsigned columns)
{
	for (; progress->shown < columns; progress->shown++)
		fputc(progress->shown == 0 || progress->shown == COLUMNS - 1 ? '|' : '=',
		      progress->out);
	fflush(progress->out);
}

void progress_begin(struct progress *progress, FILE *out, bool live, const char *title,
		    uint64_t total)
{
	assert(total > 0);
	*progress = (struct progress){
		.out = out,
		.live = live,
		.open = true,
		.total = total,
	};
	fprintf(out, "%s:\n\n", title);
	fputs(SCALE, out);
	show(progress, live ? 1 : 0);
}

void progress_advance(struct progress *progress, uint64_t done)
{
	unsigned columns = 1;

	if (!progress->open || !progress->live)
		return;
	/* Bounded by VERITY_IMAGE_MAX, so far from overflow. */
	columns += (unsigned)(done * (COLUMNS - 1) / progress->total);
	show(progress, columns < COLUMNS ? columns : COLUMNS - 1);
}

void progress_end(struct progress *progress)
{
	if (!progress->open)
		return;
	show(progress, COLUMNS);
	fputc('\n', progress->out);
	fflush(progress->out);
	progress->open = false;
}

void progress_pause(struct progress *progress)
{
	if (!progress->open)
		return;
	if (progress->shown > 0)
		fputc('\n', progress->out);
	fflush(progress->out);
	progress->shown = 0;
}

void progress_break(struct progress *progress)
{
	progress_pause(progress);
	progress->open = false;
}
