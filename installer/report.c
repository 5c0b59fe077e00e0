/* SPDX-License-Identifier: MIT */
#include "installer/report.h"

#include <stdarg.h>
#include <stdio.h>

static const char *program = "wmopkg";

void report_program(const char *name)
{
	program = name;
}

enum exit_status report_error(const char *what, const struct verity_error *err)
{
	const char *hint = verity_code_hint(err->code);

	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	if (what)
		fprintf(stderr, "%s: ", what);
	fputs(err->message, stderr);
	if (hint)
		fprintf(stderr, " (%s)", hint);
	fputc('\n', stderr);
	return exit_status_of(err->code);
}

void report_warning(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: warning: ", program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

enum exit_status report_usage(const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, " (see '%s help')\n", program);
	return STATUS_USAGE;
}
