/* SPDX-License-Identifier: MIT */
#pragma once

/* The kernel log: where an early boot leaves messages for later. */

enum log_level {
	LOG_LEVEL_WARNING = 4, /* syslog(3) numbers */
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
};

/**
 * log_debug - print "wmopkg-activate: debug: @line" on stderr; for verity_debug_start()
 */
void log_debug(const char *line);

/**
 * log_line - write "wmopkg: …" to the kernel log, to stderr where there is none
 *
 * The message may hold a file's name: what is not printable in it becomes '?'.
 */
void log_line(enum log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
