/* SPDX-License-Identifier: MIT */
#include "installer/fetch/http_header.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* What goes back to a server must stay the one line that it was. */
static bool is_line(const char *value)
{
	for (; *value; value++)
		if ((unsigned char)*value < ' ' || *value == '\x7f')
			return false;
	return true;
}

static void keep(char *ret, const char *value, size_t size)
{
	while (size && is_blank(value[0]))
		value++, size--;
	while (size && is_blank(value[size - 1]))
		size--;
	if (size >= SOURCE_HTTP_VALUE_MAX || memchr(value, '\0', size))
		size = 0;
	memcpy(ret, value, size);
	ret[size] = '\0';
}

static void hear_status(struct source_http_answer *answer, const char *line, size_t size)
{
	const char *space = memchr(line, ' ', size);
	size_t rest = space ? size - (size_t)(space - line) : 0;

	memset(answer, 0, sizeof(*answer));
	/* Of a long one its begin is worth showing. */
	if (rest >= SOURCE_HTTP_VALUE_MAX)
		rest = SOURCE_HTTP_VALUE_MAX - 1;
	keep(answer->status, space, rest);
}

void source_http_hear_line(struct source_http_answer *answer, const char *line,
			   size_t size)
{
	static const struct {
		const char *name;
		size_t offset;
	} headers[] = {
		{"ETag:", offsetof(struct source_http_answer, etag)},
		{"Last-Modified:", offsetof(struct source_http_answer, modified)},
		{"Content-Encoding:", offsetof(struct source_http_answer, encoding)},
		{"Content-Range:", offsetof(struct source_http_answer, range)},
	};

	if (size >= 5 && memcmp(line, "HTTP/", 5) == 0) {
		hear_status(answer, line, size);
		return;
	}
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		size_t length = strlen(headers[i].name);

		char *value = (char *)answer + headers[i].offset;

		if (size <= length || strncasecmp(line, headers[i].name, length) != 0)
			continue;
		keep(value, line + length, size - length);
		if (!is_line(value))
			value[0] = '\0';
	}
	/* A weak one does not promise the same bytes. */
	if (answer->etag[0] != '"')
		answer->etag[0] = '\0';
}

static bool read_number(const char **at, int64_t *ret)
{
	int64_t value = 0;
	const char *begin = *at;

	for (; **at >= '0' && **at <= '9'; (*at)++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, **at - '0', &value))
			return false;
	*ret = value;
	return *at > begin;
}

bool source_http_range(const char *text, int64_t *ret_first, int64_t *ret_total)
{
	int64_t first, last, total = -1;

	if (strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	if (!read_number(&text, &first) || *text++ != '-' || !read_number(&text, &last) ||
	    *text++ != '/' || last < first)
		return false;
	if (*text == '*')
		text++;
	else if (!read_number(&text, &total) || total <= last)
		return false;
	if (*text)
		return false;
	*ret_first = first;
	*ret_total = total;
	return true;
}

const char *source_http_validator(const struct source_http_answer *answer)
{
	return answer->etag[0] ? answer->etag : answer->modified;
}
