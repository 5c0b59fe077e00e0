/* SPDX-License-Identifier: MIT */

/* Converts between UTF-8 and wide characters. */

#include "installer/shell/wide.h"

#include <stdlib.h>
#include <string.h>

#include "verity/util/text.h"

char *shell_wide_encode(const wchar_t *text, size_t count)
{
	char *bytes = malloc(count * VERITY_TEXT_BYTES + 1);
	char *end = bytes;

	for (size_t i = 0; bytes && i < count; i++)
		end += verity_text_encode((uint32_t)text[i], end);
	if (bytes)
		*end = '\0';
	return bytes;
}

wchar_t *shell_wide_decode(const char *text)
{
	size_t size = strlen(text);
	wchar_t *wide = calloc(size + 1, sizeof(*wide));
	size_t count = 0;

	while (wide && size > 0) {
		uint32_t character = '?';
		size_t bytes = verity_text_decode(text, size, &character);

		wide[count++] = (wchar_t)character;
		text += bytes ? bytes : 1;
		size -= bytes ? bytes : 1;
	}
	return wide;
}
