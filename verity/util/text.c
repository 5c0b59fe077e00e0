/* SPDX-License-Identifier: MIT */

/* Printable UTF-8. */

#include "verity/util/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

struct sequence {
	uint8_t mask;
	uint8_t lead;
	size_t bytes;
	uint32_t smallest; /* anything below it is an overlong form */
};

struct range {
	uint32_t first, last;
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
static const struct range refused[] = {
	{0x0000, 0x001f},      /* C0 */
	{0x007f, 0x009f},      /* DEL and C1 */
	{0x00ad, 0x00ad},      /* soft hyphen */
	{0x034f, 0x034f},      /* combining grapheme joiner */
	{0x0600, 0x0605},      /* Arabic signs around numbers */
	{0x061c, 0x061c},      /* Arabic letter mark */
	{0x06dd, 0x06dd},      /* Arabic end of Ayah */
	{0x070f, 0x070f},      /* Syriac abbreviation mark */
	{0x0890, 0x0891},      /* Arabic pound and piastre marks */
	{0x08e2, 0x08e2},      /* Arabic disputed end of Ayah */
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
	{0x110bd, 0x110bd},    /* Kaithi number sign */
	{0x110cd, 0x110cd},    /* Kaithi number sign above */
	{0x13430, 0x1343f},    /* Egyptian joiners */
	{0x16fe4, 0x16fe4},    /* Khitan filler */
	{0x1bca0, 0x1bca3},    /* shorthand controls */
	{0x1d159, 0x1d159},    /* musical null notehead */
	{0x1d173, 0x1d17a},    /* musical controls */
	{0x1fb00, 0x1fbff},    /* more boxes and blocks */
	{0xe0000, 0xe0fff},    /* tags, variation selectors */
	{0xf0000, UINT32_MAX}, /* private use; beyond Unicode */
};

/* Spaces other than U+0020: they look like it, or like nothing, and are another text. */
static const struct range spaces[] = {
	{0x00a0, 0x00a0}, {0x1680, 0x1680}, {0x2000, 0x200a},
	{0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000},
};

/* Marks that change whatever stands before them: those that belong to no one script. */
static const struct range marks[] = {
	{0x0300, 0x036f},   {0x0483, 0x0489},   {0x064b, 0x0655},   {0x0670, 0x0670},
	{0x0951, 0x0954},   {0x1ab0, 0x1aff},   {0x1cd0, 0x1cd2},   {0x1cd4, 0x1ce8},
	{0x1dc0, 0x1dff},   {0x20d0, 0x20f0},   {0x302a, 0x302d},   {0x3099, 0x309a},
	{0xfe20, 0xfe2f},   {0x101fd, 0x101fd}, {0x1cf00, 0x1cf46}, {0x1d165, 0x1d169},
	{0x1d16d, 0x1d172}, {0x1d17b, 0x1d182}, {0x1d185, 0x1d18b}, {0x1d1aa, 0x1d1ad},
};

static bool is_in(uint32_t character, const struct range *ranges, size_t count)
{
	bool found = false;

	for (size_t i = 0; i < count; i++)
		found |= character >= ranges[i].first && character <= ranges[i].last;
	return found;
}

#define IS_IN(character, ranges)                                                         \
	is_in((character), (ranges), sizeof(ranges) / sizeof((ranges)[0]))

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
		size_t taken;

		/* Nearly all text is this, and none of it is refused. */
		if (*text >= ' ' && *text <= '~') {
			text++;
			size--;
			continue;
		}
		taken = verity_text_decode(text, size, &character);
		if (!taken)
			return false;
		/* Also the last two of each plane. */
		if (IS_IN(character, refused) || (character & 0xfffe) == 0xfffe) {
			*ret_refused = character;
			return false;
		}
		text += taken;
		size -= taken;
	}
	return true;
}

bool verity_text_check_label(const char *text, size_t size, uint32_t *ret_refused)
{
	bool is_first = true;

	if (!verity_text_check(text, size, ret_refused))
		return false;
	while (size) {
		uint32_t character = 0;
		size_t taken = verity_text_decode(text, size, &character);

		if (IS_IN(character, spaces) || (is_first && IS_IN(character, marks))) {
			*ret_refused = character;
			return false;
		}
		is_first = false;
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

bool verity_text_end(FILE *stream, char *const *text)
{
	bool whole = stream && !ferror(stream);

	return stream && fclose(stream) == 0 && whole && *text;
}

void verity_text_append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void verity_text_format_size(uint64_t bytes, char ret[static VERITY_TEXT_SIZE_BYTES])
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	const bool large = bytes > UINT64_MAX / 10;
	uint64_t tenths = large ? bytes / 1024 * 10 : bytes * 10;
	size_t unit = large;

	for (; tenths >= 10240 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
		tenths /= 1024;
	if (unit == 0 || tenths >= 1000)
		snprintf(ret, VERITY_TEXT_SIZE_BYTES, "%" PRIu64 " %s", tenths / 10,
			 units[unit]);
	else
		snprintf(ret, VERITY_TEXT_SIZE_BYTES, "%" PRIu64 ".%" PRIu64 " %s",
			 tenths / 10, tenths % 10, units[unit]);
}

void verity_text_format_time(int64_t when, char ret[static VERITY_TEXT_TIME_BYTES])
{
	time_t seconds = when;
	struct tm tm;

	if (!gmtime_r(&seconds, &tm) ||
	    strftime(ret, VERITY_TEXT_TIME_BYTES, "%Y-%m-%d %H:%M:%S UTC", &tm) == 0)
		snprintf(ret, VERITY_TEXT_TIME_BYTES, "%" PRId64, when);
}
