/* SPDX-License-Identifier: MIT */
#include "tests/check.h"
#include "verity/util/text.h"

#define TEXT(literal) literal, sizeof(literal) - 1

static void test_printable(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool printable;
	} cases[] = {
		{TEXT(""), true},
		{TEXT("plain ~"), true},
		{TEXT("gr\xc3\xbc\xc3\x9f"), true}, /* two bytes */
		{TEXT("\xe2\x82\xac"), true},       /* three: euro */
		{TEXT("\xf0\x9f\x98\x80"), true},   /* four */
		{TEXT("a\0b"), false},              /* NUL */
		{TEXT("a\nb"), false},              /* line feed */
		{TEXT("\x1b[31m"), false},          /* terminal escape */
		{TEXT("\x7f"), false},              /* DEL */
		{TEXT("\xc2\x9b"
		      "31m"),
		 false},                           /* C1: CSI */
		{TEXT("\x80"), false},             /* lone continuation */
		{TEXT("\xc3"), false},             /* cut short */
		{TEXT("\xc0\x80"), false},         /* overlong NUL */
		{TEXT("\xe0\x80\xaf"), false},     /* overlong slash */
		{TEXT("\xed\xa0\x80"), false},     /* surrogate */
		{TEXT("\xf4\x90\x80\x80"), false}, /* beyond Unicode */
		{TEXT("\xff"), false},             /* never UTF-8 */
		{TEXT("\xe2\x80\xae"
		      "gpj"),
		 false},                           /* right-to-left override */
		{TEXT("\xe2\x80\xa8"), false},     /* line separator */
		{TEXT("\xef\xbb\xbf"), false},     /* byte order mark */
		{TEXT("1.0\xe2\x80\x8b"), false},  /* zero width space */
		{TEXT("\xe2\x94\x82"), false},     /* a frame of `show` */
		{TEXT("\xf3\xa0\x81\x81"), false}, /* tag A */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (verity_text_printable(cases[i].text, cases[i].size) !=
		    cases[i].printable)
			fail_msg("case %zu", i);
}

static size_t encode(uint32_t c, char ret[static 4])
{
	if (c < 0x80) {
		ret[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		ret[0] = (char)(0xc0 | c >> 6);
		ret[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		ret[0] = (char)(0xe0 | c >> 12);
		ret[1] = (char)(0x80 | (c >> 6 & 0x3f));
		ret[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	ret[0] = (char)(0xf0 | c >> 18);
	ret[1] = (char)(0x80 | (c >> 12 & 0x3f));
	ret[2] = (char)(0x80 | (c >> 6 & 0x3f));
	ret[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Each range that is refused, and the characters just before and after it. */
static void test_refused(void **state)
{
	static const struct {
		uint32_t first, last;
		bool alone; /* what is before and after it is printable */
	} ranges[] = {
		{0x0000, 0x001f, false},    {0x007f, 0x009f, true},
		{0x00ad, 0x00ad, true},     {0x034f, 0x034f, true},
		{0x0600, 0x0605, true},     {0x06dd, 0x06dd, true},
		{0x070f, 0x070f, true},     {0x0890, 0x0891, true},
		{0x08e2, 0x08e2, true},     {0x110bd, 0x110bd, true},
		{0x110cd, 0x110cd, true},   {0x13430, 0x1343f, true},
		{0x16fe4, 0x16fe4, true},   {0x1d159, 0x1d159, true},
		{0x061c, 0x061c, true},     {0x115f, 0x1160, true},
		{0x17b4, 0x17b5, true},     {0x180b, 0x180f, true},
		{0x200b, 0x200f, true},     {0x2028, 0x202e, true},
		{0x2060, 0x206f, true},     {0x2500, 0x257f, false},
		{0x2580, 0x259f, false},    {0x2800, 0x2800, true},
		{0x3164, 0x3164, true},     {0xe000, 0xf8ff, false},
		{0xfdd0, 0xfdef, true},     {0xfe00, 0xfe0f, true},
		{0xfeff, 0xfeff, true},     {0xffa0, 0xffa0, true},
		{0xfff0, 0xfffc, false},    {0xfffe, 0xffff, false},
		{0x1bca0, 0x1bca3, true},   {0x1d173, 0x1d17a, true},
		{0x1fb00, 0x1fbff, true},   {0x1fffe, 0x1ffff, true},
		{0xe0000, 0xe007f, false},  {0xe0080, 0xe0fff, false},
		{0xf0000, 0x10ffff, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		char text[8] = "a", *at = text + 1;
		uint32_t found;

		for (uint32_t c = ranges[i].first; c <= ranges[i].last;
		     c += c + 1 < ranges[i].last && c > 0x20000 ? 0xfff : 1) {
			size_t size = 1 + encode(c, at);

			if (verity_text_check(text, size, &found) || found != c ||
			    verity_text_printable(text, size))
				fail_msg("U+%04X, found U+%04X", c, found);
		}
		if (!ranges[i].alone)
			continue;
		if (!verity_text_printable(text, 1 + encode(ranges[i].first - 1, at)) ||
		    !verity_text_printable(text, 1 + encode(ranges[i].last + 1, at)))
			fail_msg("beside U+%04X", ranges[i].first);
	}
}

/* What people take for another text, or for the end of the one before. */
static void test_label(void **state)
{
	static const uint32_t spaces[] = {0xa0,   0x1680, 0x2000, 0x2009,
					  0x200a, 0x202f, 0x205f, 0x3000};
	static const uint32_t marks[] = {0x0300, 0x036f, 0x0489, 0x064b, 0x1dc0,
					 0x20dd, 0x3099, 0xfe20, 0x1d165};
	char text[16] = "1.0";
	uint32_t found;
	size_t size;

	(void)state;
	assert_true(verity_text_check_label("", 0, &found));
	assert_true(verity_text_check_label("a b", 3, &found));
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++) {
		size = 3 + encode(spaces[i], text + 3);
		assert_true(verity_text_check(text, size, &found));
		assert_false(verity_text_check_label(text, size, &found));
		assert_int_equal(found, spaces[i]);
	}
	for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++) {
		size = 3 + encode(marks[i], text + 3);
		assert_true(verity_text_check_label(text, size, &found));
		assert_false(verity_text_check_label(text + 3, size - 3, &found));
		assert_int_equal(found, marks[i]);
	}
	assert_false(verity_text_check_label("\x1b", 1, &found));
	assert_int_equal(found, 0x1b);
}

static void test_plain(void **state)
{
	static const struct {
		const char *text;
		const char *plain;
	} cases[] = {
		{"", ""},
		{"gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"}, /* printable: as it is */
		{"a\nwmopkg: b", "a?wmopkg: b"},
		{"\x1b[2J\xc3\xbc", "?[2J??"},
		{"cut \xc3", "cut ?"},
		{"a\xe2\x80\x8b"
		 "b",
		 "a???b"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[32];

		strcpy(text, cases[i].text);
		assert_string_equal(verity_text_plain(text), cases[i].plain);
	}
}

static void test_size(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{102399, "99.9 KiB"},
		{102400, "100 KiB"},
		{25375539, "24.1 MiB"},
		{UINT64_MAX / 10, "1638 PiB"},
		{UINT64_MAX / 10 + 1, "1638 PiB"},
		{UINT64_MAX, "16383 PiB"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char text[VERITY_TEXT_SIZE_BYTES];

		verity_text_format_size(cases[i].bytes, text);
		assert_string_equal(text, cases[i].text);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_label),     cmocka_unit_test(test_plain),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
