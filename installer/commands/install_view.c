/* SPDX-License-Identifier: MIT */
/* Shows an installation on the terminal, or on standard output. */
#include "installer/commands/install_view.h"

#include <stdio.h>
#include <unistd.h>

#include "installer/common/report.h"

static void begin(void *context, const char *title, uint64_t file_bytes)
{
	progress_begin(context, stdout, progress_style_of(STDOUT_FILENO), title,
		       file_bytes);
}

static void advance(void *context, uint64_t done_bytes)
{
	progress_advance(context, done_bytes);
}

static void pause_bar(void *context)
{
	progress_pause(context);
}

static void end(void *context, bool whole)
{
	if (whole)
		progress_end(context);
	else
		progress_break(context);
}

static void print_verdict(void *context, enum verity_verdict verdict)
{
	(void)context;
	printf("    PKG: %s\n", verity_verdict_name(verdict));
}

static void print_note(void *context, const char *line)
{
	(void)context;
	report_line("%s", line);
}

struct install_view install_view_of_terminal(struct progress *progress)
{
	return (struct install_view){
		.begin = begin,
		.advance = advance,
		.pause = pause_bar,
		.end = end,
		.verdict = print_verdict,
		.note = print_note,
		.context = progress,
	};
}
