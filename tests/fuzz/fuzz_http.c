/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "installer/transfer/http_header.h"

/* Each line is a status line, an ETag, a date and a range. */
static void try_line(const char *line, size_t size)
{
	char *text = strndup(line, size);
	char status[HTTP_VALUE_MAX], validator[HTTP_VALUE_MAX];
	int64_t first = -7, last = -7, total = -7;

	require(text);
	if (http_status(line, size, status))
		require(memchr(status, '\0', sizeof(status)));
	for (int i = 0; i < 2; i++) {
		http_validator(i ? NULL : text, i ? text : NULL, validator);
		require(memchr(validator, '\0', sizeof(validator)));
		require(!strpbrk(validator, "\r\n\t\x1b"));
		require(i || validator[0] == '"' || validator[0] == '\0');
	}
	if (http_range(text, &first, &last, &total))
		require(first >= 0 && last >= first && (total == -1 || last < total));
	else
		require(first == -7 && last == -7 && total == -7);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data;

	while (size) {
		const char *end = memchr(at, '\n', size);
		size_t length = end ? (size_t)(end - at) + 1 : size;
		const char *value = memchr(at, ':', length);

		try_line(at, length);
		/* Kept inputs have the name of a header. */
		if (value) {
			do
				value++;
			while (value < at + length && *value == ' ');
			try_line(value, (size_t)(at + length - value));
		}
		at += length;
		size -= length;
	}
	return 0;
}
