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

/*
 * The one table of what texts from outside must not have: characters that steer a
 * terminal, cannot be seen (default ignorable code points of Unicode), change the order
 * or the lines of the text around them, imitate the frames of our tables, or have no
 * meaning of their own. In ascending order.
 */
static const struct {
	uint32_t first, last;
} refused[] = {
	{0x0000, 0x001f},      /* C0 */
	{0x007f, 0x009f},      /* DEL and C1 */
	{0x00ad, 0x00ad},      /* soft hyphen */
	{0x034f, 0x034f},      /* combining grapheme joiner */
	{0x061c, 0x061c},      /* Arabic letter mark */
	{0x115f, 0x1160},      /* Hangul fillers */
	{0x17b4, 0x17b5},      /* invisible Khmer vowels */
	{0x180b, 0x180f},      /* Mongolian variation selectors, vowel separator */
	{0x200b, 0x200f},      /* zero width; direction marks */
	{0x2028, 0x202e},      /* separators, embeddings, overrides */
	{0x2060, 0x206f},      /* zero width, invisible operators, isolates */
	{0x2500, 0x259f},      /* box drawing, block elements */
	{0x2800, 0x2800},      /* blank Braille pattern */
	{0x3164, 0x3164},      /* Hangul filler */
	{0xd800, 0xf8ff},      /* surrogates, private use */
	{0xfdd0, 0xfdef},      /* no characters */
	{0xfe00, 0xfe0f},      /* variation selectors */
	{0xfeff, 0xfeff},      /* byte order mark, zero width */
	{0xffa0, 0xffa0},      /* Hangul filler */
	{0xfff0, 0xfffc},      /* annotations, place of an object */
	{0xfffe, 0xffff},      /* no characters */
	{0x1bca0, 0x1bca3},    /* shorthand controls */
	{0x1d173, 0x1d17a},    /* musical controls */
	{0x1fb00, 0x1fbff},    /* more boxes and blocks */
	{0xe0000, 0xe0fff},    /* tags, variation selectors */
	{0xf0000, UINT32_MAX}, /* private use; beyond Unicode */
};

size_t verity_text_decode(const char *bytes, size_t size, uint32_t *ret)
{
	const uint8_t *text = (const uint8_t *)bytes;

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

size_t verity_text_encode(uint32_t character, char ret[static VERITY_TEXT_BYTES])
{
	static const size_t count = sizeof(sequences) / sizeof(sequences[0]);
	size_t bytes = 1;

	while (bytes < count && character >= sequences[bytes].smallest)
		bytes++;
	for (size_t i = bytes; i > 1; i--, character >>= 6)
		ret[i - 1] = (char)(0x80 | (character & 0x3f));
	ret[0] = (char)(sequences[bytes - 1].lead | character);
	return bytes;
}

bool verity_text_begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool verity_text_check(const char *text, size_t size, uint32_t *ret_refused)
{
	*ret_refused = 0;
	while (size) {
		uint32_t character;
		size_t taken = verity_text_decode(text, size, &character);
		bool bad;

		if (!taken)
			return false;
		bad = (character & 0xfffe) == 0xfffe; /* the last two of each plane */
		for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
			bad = bad || (character >= refused[i].first &&
				      character <= refused[i].last);
		if (bad) {
			*ret_refused = character;
			return false;
		}
		text += taken;
		size -= taken;
	}
	return true;
}

bool verity_text_printable(const char *text, size_t size)
{
	uint32_t unused;

	return verity_text_check(text, size, &unused);
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
