/* SPDX-License-Identifier: MIT */
#include "installer/common/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "installer/common/redact.h"
#include "verity/util/cleanup.h"
#include "verity/util/debug.h"
#include "verity/util/text.h"

#define LINE_BYTES 4096
#define HELP_BYTES 64

static const char *program = "wmopkg";
static bool is_quiet;

void report_program(const char *name)
{
	program = name;
}

void report_quiet(bool quiet)
{
	is_quiet = quiet;
}

/* A message may hold a server's words or a file's name: neither may steer a terminal. */
void report_plain(FILE *out, const char *text)
{
	cleanup_free char *plain = strdup(text);

	if (plain)
		fputs(verity_text_plain(plain), out);
}

/* Nor may it show what was typed to be seen by nobody. */
void report_typed(FILE *out, const char *text)
{
	cleanup_free char *masked = strdup(text);

	if (masked)
		report_plain(out, redact_urls(masked));
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

static void __attribute__((format(printf, 1, 0)))
print_formatted(const char *format, va_list args)
{
	char line[LINE_BYTES];

	vsnprintf(line, sizeof(line), format, args);
	report_typed(stderr, line);
}

enum exit_status report_error(const char *what, const struct verity_error *err)
{
	char help[HELP_BYTES];

	snprintf(help, sizeof(help), "see '%s help'", program);
	return report_hinted(what, err,
			     err->code == VERITY_E_USAGE ? help
							 : verity_code_hint(err->code));
}

/* A message that ends in brackets has said itself what to do. */
static bool is_hinted(const char *message)
{
	size_t size = strlen(message);

	return size && message[size - 1] == ')';
}

enum exit_status report_hinted(const char *what, const struct verity_error *err,
			       const char *hint)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	if (what) {
		report_typed(stderr, what);
		fputs(": ", stderr);
	}
	report_typed(stderr, err->message);
	if (hint && !is_hinted(err->message))
		fprintf(stderr, " (%s)", hint);
	fputc('\n', stderr);
	return verity_code_exit_status(err->code);
}

enum exit_status report_output(void)
{
	struct verity_error err;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return STATUS_DONE;
	/* Not NO_ROOM: it is not the device that is full. */
	verity_fail_errno(&err, errno, "standard output");
	err.code = VERITY_E_IO;
	return report_error(NULL, &err);
}

void report_warning(const char *format, ...)
{
	va_list args;

	if (is_quiet)
		return;
	fflush(stdout);
	fprintf(stderr, "%s: warning: ", program);
	va_start(args, format);
	print_formatted(format, args);
	va_end(args);
	fputc('\n', stderr);
}

static enum exit_status __attribute__((format(printf, 2, 0)))
print_usage(const char *hint, const char *format, va_list args)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", program);
	print_formatted(format, args);
	fprintf(stderr, " (%s)\n", hint);
	return STATUS_USAGE;
}

enum exit_status report_hint_usage(const char *hint, const char *format, ...)
{
	enum exit_status status;
	va_list args;

	va_start(args, format);
	status = print_usage(hint, format, args);
	va_end(args);
	return status;
}

enum exit_status report_usage(const char *format, ...)
{
	char help[HELP_BYTES];
	enum exit_status status;
	va_list args;

	snprintf(help, sizeof(help), "see '%s help'", program);
	va_start(args, format);
	status = print_usage(help, format, args);
	va_end(args);
	return status;
}
