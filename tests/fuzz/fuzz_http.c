/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <string.h>

#include "installer/fetch/http_header.h"

static void check(const char *text)
{
	require(memchr(text, '\0', SOURCE_HTTP_VALUE_MAX));
	require(!strpbrk(text, "\r\n\t\x1b"));
}

/* Lines, as libcurl hands them over: each whole, with its end. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct source_http_answer answer = {0};
	const char *at = (const char *)data;
	int64_t first = -7, total = -7;

	while (size) {
		const char *end = memchr(at, '\n', size);
		size_t length = end ? (size_t)(end - at) + 1 : size;

		source_http_hear_line(&answer, at, length);
		require(memchr(answer.status, '\0', SOURCE_HTTP_VALUE_MAX));
		check(answer.range);
		check(answer.modified);
		check(answer.encoding);
		check(answer.etag);
		require(answer.etag[0] == '"' || answer.etag[0] == '\0');
		if (source_http_range(answer.range, &first, &total))
			require(first >= 0 && (total == -1 || first < total));
		else
			require(first == -7 && total == -7);
		first = total = -7;
		at += length;
		size -= length;
	}
	return 0;
}
