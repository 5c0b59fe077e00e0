/* SPDX-License-Identifier: MIT */
/* Decoding values of HTTP headers. */
#include "installer/transfer/http_header.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

bool http_status(const char *line, size_t size, char ret[static HTTP_VALUE_MAX])
{
	const char *space = memchr(line, ' ', size);
	size_t rest = space ? size - (size_t)(space - line) : 0;

	if (size < 5 || memcmp(line, "HTTP/", 5) != 0)
		return false;
	for (; rest && *space == ' '; rest--)
		space++;
	while (rest && strchr("\r\n ", space[rest - 1]))
		rest--;
	if (rest >= HTTP_VALUE_MAX)
		rest = HTTP_VALUE_MAX - 1;
	if (rest)
		memcpy(ret, space, rest);
	ret[rest] = '\0';
	return true;
}

/* What is sent back to a server must be one line. */
static bool is_usable(const char *value)
{
	for (size_t i = 0; value && i < HTTP_VALUE_MAX; i++)
		if (!value[i])
			return i > 0;
		else if ((unsigned char)value[i] < ' ' || value[i] == '\x7f')
			return false;
	return false;
}

/* A weak ETag ("W/...") does not promise the same bytes. */
void http_validator(const char *etag, const char *modified,
		    char ret[static HTTP_VALUE_MAX])
{
	if (is_usable(etag) && etag[0] == '"')
		strcpy(ret, etag);
	else
		strcpy(ret, is_usable(modified) ? modified : "");
}

bool http_range(const char *text, int64_t *ret_first, int64_t *ret_last,
		int64_t *ret_total)
{
	const char *number = text + 6;
	int64_t first, last, total = -1;
	char *end;

	/* strtoll() would accept blanks and a '+'. */
	if (strncasecmp(text, "bytes ", 6) != 0 ||
	    number[strspn(number, "0123456789-/*")])
		return false;
	errno = 0;
	first = strtoll(number, &end, 10);
	if (end == number || *end != '-' || first < 0)
		return false;
	number = end + 1;
	last = strtoll(number, &end, 10);
	if (end == number || *end != '/' || last < first)
		return false;
	number = end + 1;
	if (strcmp(number, "*") != 0) {
		total = strtoll(number, &end, 10);
		if (end == number || *end || total <= last)
			return false;
	}
	if (errno)
		return false;
	*ret_first = first;
	*ret_last = last;
	*ret_total = total;
	return true;
}
