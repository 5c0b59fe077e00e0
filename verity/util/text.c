/* SPDX-License-Identifier: MIT */

/* Printable UTF-8. */

#include "verity/util/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct sequence {
	uint8_t mask;
	uint8_t lead;
	size_t bytes;
	uint32_t smallest; /* anything below it is an overlong form */
};

static const struct sequence sequences[] = {
	{0x80, 0x00, 1, 0x0},
	{0xe0, 0xc0, 2, 0x80},
	{0xf0, 0xe0, 3, 0x800},
	{0xf8, 0xf0, 4, 0x10000},
};

static const struct {
	uint32_t first, last;
} refused[] = {
	{0x0000, 0x001f},       /* C0 */
	{0x007f, 0x009f},       /* DEL and C1 */
	{0x061c, 0x061c},       /* Arabic letter mark */
	{0x200e, 0x200f},       /* direction marks */
	{0x2028, 0x202e},       /* separators, embeddings, overrides */
	{0x2066, 0x2069},       /* isolates */
	{0xd800, 0xdfff},       /* surrogates */
	{0xfeff, 0xfeff},       /* byte order mark */
	{0x110000, UINT32_MAX}, /* beyond Unicode */
};

/* Bytes taken by the character at @text; 0 where there is none. */
static size_t decode(const uint8_t *text, size_t size, uint32_t *ret)
{
	for (size_t i = 0; i < sizeof(sequences) / sizeof(sequences[0]); i++) {
		const struct sequence *s = &sequences[i];
		uint32_t character = text[0] & (uint8_t)~s->mask;

		if ((text[0] & s->mask) != s->lead)
			continue;
		if (s->bytes > size)
			return 0;
		for (size_t k = 1; k < s->bytes; k++) {
			if ((text[k] & 0xc0) != 0x80)
				return 0;
			character = character << 6 | (text[k] & 0x3f);
		}
		*ret = character;
		return character < s->smallest ? 0 : s->bytes;
	}
	return 0;
}

bool verity_text_printable(const char *text, size_t size)
{
	const uint8_t *bytes = (const uint8_t *)text;

	while (size) {
		uint32_t character;
		size_t taken = decode(bytes, size, &character);

		if (!taken)
			return false;
		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			if (character >= refused[i].first && character <= refused[i].last)
				return false;
		bytes += taken;
		size -= taken;
	}
	return true;
}

char *verity_text_plain(char *text)
{
	if (!verity_text_printable(text, strlen(text)))
		for (char *at = text; *at; at++)
			if (*at < ' ' || *at > '~')
				*at = '?';
	return text;
}

void verity_text_append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}
