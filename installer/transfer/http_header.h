/* SPDX-License-Identifier: MIT */
#pragma once

/* Values of HTTP headers; pure. libcurl splits the headers, see curl_easy_header(). */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_VALUE_MAX 256 /* bytes of a value that are used, with the ending 0 */

/**
 * http_status - the end of a status line: "404 Not Found" of "HTTP/1.1 404 Not Found"
 * @ret: cut if it is too long; set on success only
 *
 * Return: false if @line is another line.
 */
bool http_status(const char *line, size_t size, char ret[static HTTP_VALUE_MAX]);

/**
 * http_validator - what identifies this version of a file
 * @etag, @modified: values of ETag and Last-Modified; NULL: not sent
 * @ret:             a strong ETag, else Last-Modified, fit to be sent back; "" if there
 * is neither
 */
void http_validator(const char *etag, const char *modified,
		    char ret[static HTTP_VALUE_MAX]);

/**
 * http_range - decode the value of Content-Range, "bytes FIRST-LAST/TOTAL"
 * @ret_last:  the last byte of the part
 * @ret_total: -1 for "*"
 *
 * Return: false if it is malformed; outputs are set on success only.
 */
bool http_range(const char *text, int64_t *ret_first, int64_t *ret_last,
		int64_t *ret_total);
