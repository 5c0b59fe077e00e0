/* SPDX-License-Identifier: MIT */
#pragma once

/* Errors and warnings as people see them: once, on stderr, in one form. */

#include <stdio.h>

#include "verity/util/error.h"

/**
 * report_plain - print text that came from outside, with '?' for what could steer a
 * terminal
 */
void report_plain(FILE *out, const char *text);

/**
 * report_typed - print what may hold an URL as it was typed: its password is made '*'
 */
void report_typed(FILE *out, const char *text);

/**
 * report_program - the name that messages begin with; a constant string, set once by
 * main()
 */
void report_program(const char *name);

/**
 * report_quiet - print no warnings until it is said again: nobody has asked for anything
 */
void report_quiet(bool quiet);

/**
 * report_error - print "PROGRAM: WHAT: WHY (what to do)"; where the message ends in
 * brackets, it has said what to do
 * @what: the package, file or place it happened with; NULL where the message says it
 *
 * Return: the exit status for it.
 */
enum exit_status report_error(const char *what,
			      const struct verity_error *err) must_check;

/**
 * report_hinted - the same with another word on what to do; NULL for none
 */
enum exit_status report_hinted(const char *what, const struct verity_error *err,
			       const char *hint) must_check;

/**
 * report_output - whether all that was printed on stdout got there; says so where not
 *
 * For what is asked for its output alone: a script must not take half of it for the
 * whole.
 */
enum exit_status report_output(void) must_check;

/**
 * report_warning - print "PROGRAM: warning: …"
 */
void report_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/**
 * report_debug - print "PROGRAM: debug: @line" on stderr; for verity_debug_start()
 */
void report_debug(const char *line);

/**
 * report_hint_usage - print "PROGRAM: ... (@hint)"
 *
 * Return: STATUS_USAGE.
 */
enum exit_status report_hint_usage(const char *hint, const char *format, ...) must_check
	__attribute__((format(printf, 2, 3)));

/**
 * report_usage - print "PROGRAM: …" and where help is to be had
 *
 * Return: STATUS_USAGE.
 */
enum exit_status report_usage(const char *format, ...) must_check
	__attribute__((format(printf, 1, 2)));
