/* SPDX-License-Identifier: MIT */
#pragma once

/* What we need of the head of an HTTP answer; pure. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SOURCE_HTTP_VALUE_MAX 256 /* bytes of a header's value that are kept */

/* Plain data; a text is "" where there is none, or it is too long to be of use. */
struct source_http_answer {
	char status[SOURCE_HTTP_VALUE_MAX]; /* "404 Not Found" */
	char etag[SOURCE_HTTP_VALUE_MAX];   /* strong ones alone */
	char modified[SOURCE_HTTP_VALUE_MAX];
	char encoding[SOURCE_HTTP_VALUE_MAX];
	char range[SOURCE_HTTP_VALUE_MAX]; /* of Content-Range */
};

/**
 * source_http_hear_line - take a line of a head, with or without its end
 *
 * A status line begins a new answer: the one before was a redirect, or asked for a
 * password.
 */
void source_http_hear_line(struct source_http_answer *answer, const char *line,
			   size_t size);

/**
 * source_http_range - decode "bytes FIRST-LAST/TOTAL"
 * @ret_total: -1 for "*"
 *
 * Return: false where it is not sound; outputs are set on success alone.
 */
bool source_http_range(const char *text, int64_t *ret_first, int64_t *ret_total);

/**
 * source_http_validator - what to recognise the file by: ETag or else Last-Modified; ""
 * where the server gives neither
 */
const char *source_http_validator(const struct source_http_answer *answer);
