/* SPDX-License-Identifier: MIT */
#pragma once

/*
 * Errors and warnings as people see them: once, in one form, on stderr or wherever the
 * program shows its messages.
 */

#include <stdio.h>

#include "verity/util/error.h"

/**
 * report_plain - print text from outside, with '?' for what could control the
 * terminal
 */
void report_plain(FILE *out, const char *text);

/**
 * report_typed - print text that may contain a URL as typed: its password becomes '*'
 */
void report_typed(FILE *out, const char *text);

/**
 * report_program - the name that messages begin with; constant, set once by main()
 */
void report_program(const char *name);

enum report_kind {
	REPORT_ERROR,
	REPORT_WARNING,
};

/* What takes messages in place of stderr, without the name of the program. */
struct report_listener {
	void (*take)(void *context, enum report_kind kind, const char *message);
	void *context; /* borrowed */
};

/**
 * report_listen - give all messages to @to, which must stay; NULL: to stderr again
 */
void report_listen(const struct report_listener *to);

/**
 * report_quiet - print no warnings until it is called with false
 */
void report_quiet(bool quiet);

/**
 * report_error - print "PROGRAM: WHAT: WHY (what to do)"; a message that ends in
 * brackets already says what to do
 * @what: the package, file or URL; NULL if the message names it
 *
 * Return: the exit status for it.
 */
enum exit_status report_error(const char *what,
			      const struct verity_error *err) must_check;

/**
 * report_hinted - the same with another hint; NULL for none
 */
enum exit_status report_hinted(const char *what, const struct verity_error *err,
			       const char *hint) must_check;

/**
 * report_output - whether all that was printed on stdout was written; if not, reports it
 *
 * What the command did is done, and the message says so; but a script must notice if a
 * part of the output is missing.
 */
enum exit_status report_output(void) must_check;

/**
 * report_warning - print "PROGRAM: warning: …"
 */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * report_line - print a line of what a command says on stdout; on a terminal it is
 * wrapped between words, like the messages above
 */
void report_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * report_debug - print "PROGRAM: debug: @line" on stderr; for verity_debug_start()
 */
void report_debug(const char *line);

/**
 * report_hint_usage - print "PROGRAM: … (@hint)"; NULL: where to find help
 *
 * Return: STATUS_USAGE.
 */
enum exit_status report_hint_usage(const char *hint, const char *format, ...) must_check
	__attribute__((format(printf, 2, 3)));

/**
 * report_usage - print "PROGRAM: …" and where to find help
 *
 * Return: STATUS_USAGE.
 */
#define report_usage(...) report_hint_usage(NULL, __VA_ARGS__)
