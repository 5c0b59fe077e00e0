/* SPDX-License-Identifier: MIT */
/* Printing errors, warnings and debug output in one form. */
#include "installer/common/report.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "installer/common/layout.h"
#include "installer/common/redact.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

#define LINE_BYTES 4096
#define HELP_BYTES 64

static const char *program = "wmopkg";
static bool is_quiet;
static const struct report_listener *listener;

void report_program(const char *name)
{
	program = name;
}

void report_quiet(bool quiet)
{
	is_quiet = quiet;
}

void report_listen(const struct report_listener *to)
{
	listener = to;
}

static const char no_memory[] = "out of memory";

/* @line: NULL: memory was missing to make it, which can be told without any */
static void put_line(enum report_kind kind, const char *line)
{
	const struct layout layout = layout_of(STDERR_FILENO);

	if (listener) {
		listener->take(listener->context, kind, line ?: no_memory);
		return;
	}
	fflush(stdout);
	if (line)
		layout_print(stderr, &layout, LAYOUT_INDENT, line);
	else
		fprintf(stderr, "%s: %s\n", program, no_memory);
}

/* One message, to where messages go: "PROGRAM: warning: WHAT: TEXT (HINT)". */
static void put(enum report_kind kind, const char *what, const char *text,
		const char *hint)
{
	cleanup_free char *line = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&line, &size);

	if (!out) {
		put_line(kind, NULL);
		return;
	}
	if (!listener)
		fprintf(out, "%s: %s", program,
			kind == REPORT_WARNING ? "warning: " : "");
	if (what) {
		report_typed(out, what);
		fputs(": ", out);
	}
	report_typed(out, text);
	if (hint)
		fprintf(out, " (%s)", hint);
	put_line(kind, verity_text_end(out, &line) ? line : NULL);
}

/* A message may contain text of a server or the name of a file. That memory is missing
 * can be told without any. */
static void put_masked(FILE *out, const char *text, bool typed)
{
	char small[VERITY_MESSAGE_MAX];
	cleanup_free char *large = NULL;
	char *masked = small;

	if (strlen(text) < sizeof(small))
		strcpy(small, text);
	else
		masked = large = strdup(text);
	if (masked && typed)
		redact_urls(masked);
	fputs(masked ? verity_text_plain(masked) : no_memory, out);
}

void report_plain(FILE *out, const char *text)
{
	put_masked(out, text, false);
}

void report_typed(FILE *out, const char *text)
{
	put_masked(out, text, true);
}

/* One write a line, so that threads do not mix theirs. */
void report_debug(const char *line)
{
	char text[VERITY_DEBUG_LINE_MAX + 64];

	snprintf(text, sizeof(text), "%s: debug: %s", program, line);
	redact_urls(text);
	fflush(stdout);
	dprintf(STDERR_FILENO, "%s\n", text);
}

enum exit_status report_error(const char *what, const struct verity_error *err)
{
	char help[HELP_BYTES];

	snprintf(help, sizeof(help), "see '%s help'", program);
	return report_hinted(what, err,
			     err->code == VERITY_E_USAGE ? help
							 : verity_code_hint(err->code));
}

enum exit_status report_hinted(const char *what, const struct verity_error *err,
			       const char *hint)
{
	size_t size = strlen(err->message);
	bool is_hinted = size && err->message[size - 1] == ')';

	put(REPORT_ERROR, what, err->message, is_hinted ? NULL : hint);
	return verity_code_exit_status(err->code);
}

enum exit_status report_output(void)
{
	struct pollfd reader = {.fd = STDOUT_FILENO};
	struct verity_error err;
	int reason = fflush(stdout) == 0 ? 0 : errno;

	if (reason == 0 && !ferror(stdout))
		return STATUS_DONE;
	/* A reader of a pipe that has read enough is no failure. */
	if (poll(&reader, 1, 0) == 1 && (reader.revents & POLLERR))
		return STATUS_DONE;
	/* Not NO_ROOM: the device is not full, and no path is to be checked. */
	verity_fail(&err, VERITY_E_IO, "done, but its output could not be written: %s",
		    reason ? strerror(reason) : "a part of it is lost");
	return report_hinted(NULL, &err, NULL);
}

void report_warning(const char *format, ...)
{
	char line[LINE_BYTES];
	va_list args;

	if (is_quiet)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put(REPORT_WARNING, NULL, line, NULL);
}

/* A line is longer only where a name of a file or a text of a server is in it. */
void report_line(const char *format, ...)
{
	const struct layout layout = layout_of(STDOUT_FILENO);
	char small[LINE_BYTES];
	cleanup_free char *large = NULL;
	va_list args, again;
	int size;

	va_start(args, format);
	va_copy(again, args);
	size = vsnprintf(small, sizeof(small), format, args);
	if (size >= (int)sizeof(small) && vasprintf(&large, format, again) < 0)
		large = NULL; /* then what fits */
	va_end(again);
	va_end(args);
	layout_print(stdout, &layout, LAYOUT_INDENT, large ?: small);
}

enum exit_status report_hint_usage(const char *hint, const char *format, ...)
{
	char line[LINE_BYTES], help[HELP_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	snprintf(help, sizeof(help), "see '%s help'", program);
	put(REPORT_ERROR, NULL, line, hint ?: help);
	return STATUS_USAGE;
}
