/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <string.h>

#include "installer/web/frame.h"

static uint8_t bytes[FRAME_HEAD + FRAME_CONTENT_MAX];
static struct frame frame;

static int decode(size_t size)
{
	enum frame_type type;
	size_t content;

	return frame_head(bytes, &type, &content)
		       ?: (content != size - FRAME_HEAD
				   ? -1
				   : frame_decode(type, bytes + FRAME_HEAD, content,
						  &frame));
}

static void test_good(void **state)
{
	struct frame sent = {.type = FRAME_FIELD,
			     .field = {"name", "a \"value\" \xc3\xbc"}};

	(void)state;
	assert_int_equal(decode(frame_encode(&sent, bytes)), 0);
	assert_string_equal(frame.field.name, "name");
	assert_string_equal(frame.field.value, "a \"value\" \xc3\xbc");
	sent = (struct frame){.type = FRAME_FILE, .file = "x.wmopkg"};
	assert_int_equal(decode(frame_encode(&sent, bytes)), 0);
	assert_string_equal(frame.file, "x.wmopkg");
	sent = (struct frame){.type = FRAME_FAILED,
			      .error = {VERITY_E_TIMED_OUT, "too slow"}};
	assert_int_equal(decode(frame_encode(&sent, bytes)), 0);
	assert_int_equal(frame.error.code, VERITY_E_TIMED_OUT);
	assert_string_equal(frame.error.message, "too slow");
	sent = (struct frame){.type = FRAME_END};
	assert_int_equal(decode(frame_encode(&sent, bytes)), 0);
}

/* What a process that was taken over might say. */
static void test_bad(void **state)
{
	static const struct {
		const char *bytes;
		size_t size;
	} cases[] = {
		{"\x00\x00\x00\x00", 4}, /* no such type */
		{"\x06\x00\x00\x00", 4},
		{"\x04\x01\x00\x00x", 5}, /* an end with a content */
		{"\x03\x00\x00\x00", 4},  /* no bytes */
		{"\x03\x00\x00\xff", 4},  /* too many */
		{"\x01\x04\x00\x00"
		 "a\0b\0",
		 8}, /* good, but for the next ones */
		{"\x01\x05\x00\x00"
		 "a\0bc\0",
		 9},
		{"\x01\x04\x00\x00"
		 "a\0bc",
		 8}, /* no end of a text */
		{"\x01\x04\x00\x00"
		 "abc\0",
		 8}, /* no value */
		{"\x01\x06\x00\x00"
		 "a\0b\0c\0",
		 10}, /* more than one */
		{"\x01\x04\x00\x00"
		 "A\0b\0",
		 8}, /* no name of a field */
		{"\x01\x04\x00\x00"
		 "a\0\n\0",
		 8}, /* no text */
		{"\x02\x03\x00\x00"
		 "a\0\0",
		 7},                             /* a name with a zero byte */
		{"\x05\x04\x00\x00\x01xy\0", 8}, /* an error that no reader has */
		{"\x05\x04\x00\x00\x06\x1by\0", 8},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memcpy(bytes, cases[i].bytes, cases[i].size);
		if ((decode(cases[i].size) == 0) != (i == 5 || i == 6))
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
