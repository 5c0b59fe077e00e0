/* SPDX-License-Identifier: MIT */

/* Tables that read and write JSON: each type of row, and what each refuses. */

#include <errno.h>

#include "tests/check.h"
#include "verity/util/cleanup.h"
#include "verity/util/json_table.h"
#include "verity/util/name.h"

enum color { RED, GREEN, BLUE };

static const char *const colors[] = {[RED] = "red", [GREEN] = "green", [BLUE] = "blue"};

struct span {
	unsigned start, end;
};

struct thing {
	char name[9];
	char note[8];
	bool flag;
	enum color color, shade;
	int level;
	int64_t when;
	uint32_t number;
	uint64_t bytes;
	uint8_t key[2];
	uint8_t salt[4];
	size_t salt_bytes;
	struct span span;
	struct span *spans;
	size_t spans_count;
	char (*words)[5];
	size_t words_count;
	int square;
};

static const struct verity_json_field span_fields[] = {
	VERITY_JSON_INTEGER("start", struct span, start, .max = UINT32_MAX),
	VERITY_JSON_INTEGER("end", struct span, end, .max = UINT32_MAX,
			    .presence = VERITY_JSON_OPTIONAL),
	{.key = NULL},
};

static const char *check_span(const void *object)
{
	const struct span *span = object;

	return span->start > span->end ? "it ends before it begins" : NULL;
}

static const struct verity_json_field span_item = {
	.type = VERITY_JSON_IS_OBJECT, .fields = span_fields, .check = check_span};

static const struct verity_json_field word_item = {
	.type = VERITY_JSON_IS_TEXT, .size = 5, .min = 1};

/* A number that is written as its square. */
static int get_square(struct verity_json_reader *reader, struct json_object *value,
		      void *member)
{
	int number = 0, square = json_object_get_int(value);

	while (number * number < square)
		number++;
	if (number * number != square)
		return verity_json_bad(reader, "not a square");
	*(int *)member = number;
	return 0;
}

static void put_square(struct verity_json_writer *json, const char *key,
		       const void *member)
{
	verity_json_int(json, key, *(const int *)member * *(const int *)member);
}

static const struct verity_json_field fields[] = {
	VERITY_JSON_WORD("type", "thing"),
	VERITY_JSON_FORMAT("format", 1),
	VERITY_JSON_TEXT("name", struct thing, name, .min = 1,
			 .valid = verity_name_valid),
	VERITY_JSON_TEXT("note", struct thing, note, .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_BOOL("flag", struct thing, flag),
	VERITY_JSON_NAME("color", struct thing, color, colors),
	VERITY_JSON_NAME("shade", struct thing, shade, colors,
			 .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_INTEGER("level", struct thing, level, .min = -5, .max = 5,
			    .presence = VERITY_JSON_LATER),
	VERITY_JSON_INTEGER("when", struct thing, when, .max = INT64_MAX, .absent = -1,
			    .presence = VERITY_JSON_OPTIONAL),
	VERITY_JSON_INTEGER("number", struct thing, number, .min = 1, .max = UINT32_MAX),
	VERITY_JSON_INTEGER("bytes", struct thing, bytes, .max = -1),
	VERITY_JSON_HEX("key", struct thing, key),
	VERITY_JSON_HEX("salt", struct thing, salt,
			.counted = offsetof(struct thing, salt_bytes)),
	VERITY_JSON_OBJECT("span", struct thing, span, span_fields, .check = check_span),
	VERITY_JSON_LIST("spans", struct thing, spans, spans_count, &span_item, 2),
	VERITY_JSON_LIST("words", struct thing, words, words_count, &word_item, 3,
			 .presence = VERITY_JSON_OPTIONAL),
	{.key = "square",
	 .type = VERITY_JSON_IS_CUSTOM,
	 .offset = offsetof(struct thing, square),
	 .decode = get_square,
	 .encode = put_square},
	{.key = NULL},
};

#define HEAD "{\"type\":\"thing\",\"format\":1,\"name\":\"a\","
#define TAIL                                                                             \
	"\"number\":7,\"bytes\":18446744073709551615,\"key\":\"0aff\",\"salt\":\"01\","  \
	"\"span\":{\"start\":1,\"end\":2},\"spans\":[{\"start\":0},{\"start\":3,"        \
	"\"end\":3}],"
#define END "\"square\":9}"

static const char least[] =
	HEAD "\"flag\":true,\"color\":\"blue\",\"level\":-5," TAIL END;
static const char most[] = HEAD
	"\"note\":\"\303\274 \\\"/\",\"flag\":false,\"color\":\"red\",\"shade\":\"green\","
	"\"level\":5,\"when\":0," TAIL "\"words\":[\"abcd\",\"e\"]," END;

static void thing_free(struct thing *thing)
{
	free(thing->spans);
	free(thing->words);
}

static void check_round(const char *text)
{
	cleanup_with(thing_free) struct thing thing = {.when = -1};
	cleanup_free char *again = NULL;
	struct verity_error err;

	check_ok(verity_json_decode(text, strlen(text), fields, VERITY_E_BAD_STATEMENT,
				    &thing, &err),
		 &err);
	assert_string_equal(thing.name, "a");
	assert_int_equal(thing.bytes, UINT64_MAX);
	assert_int_equal(thing.salt_bytes, 1);
	assert_int_equal(thing.spans_count, 2);
	assert_int_equal(thing.spans[1].end, 3);
	assert_int_equal(thing.square, 3);
	check_ok(verity_json_encode(&thing, fields, VERITY_JSON_COMPACT, &again, &err),
		 &err);
	assert_string_equal(again, text);
}

static void test_round(void **state)
{
	(void)state;
	check_round(least);
	check_round(most);
}

static void test_members(void **state)
{
	cleanup_with(thing_free) struct thing thing = {.when = -1};
	struct verity_error err;

	(void)state;
	check_ok(
		verity_json_decode(most, strlen(most), fields, VERITY_E_IO, &thing, &err),
		&err);
	assert_string_equal(thing.note, "\303\274 \"/");
	assert_int_equal(thing.shade, GREEN);
	assert_int_equal(thing.level, 5);
	assert_int_equal(thing.when, 0);
	assert_int_equal(thing.words_count, 2);
	assert_string_equal(thing.words[0], "abcd");
	assert_memory_equal(thing.key, "\x0a\xff", 2);
}

/* Each case is the text with one part of it replaced. */
static const struct {
	const char *part, *with;
	const char *message; /* NULL: it is read all the same */
} cases[] = {
	{"\"type\":\"thing\",", "", "type: missing"},
	{"\"thing\"", "\"other\"", "type: not \"thing\""},
	{"\"thing\"", "\"thing\\u0000\"", "type: not \"thing\""},
	{"\"thing\"", "null", "type: not a string"},
	{"\"format\":1", "\"format\":2", "format: not 1"},
	{"\"format\":1", "\"format\":true", "format: not an integer"},
	{"\"name\":\"a\"", "\"name\":\"\"", "name: empty"},
	{"\"name\":\"a\"", "\"name\":\"a b\"", "name: not a valid package name"},
	{"\"name\":\"a\"", "\"name\":\"123456789\"", "name: longer than 8 bytes"},
	{"\"name\":\"a\"", "\"name\":\"a\\u0000\"", "name: not printable UTF-8"},
	{"\"name\":\"a\"", "\"name\":\"a\\u001b\"", "name: not printable UTF-8"},
	{"\"name\":\"a\"", "\"name\":1", "name: not a string"},
	{"\"name\":\"a\"", "\"name\":\"a\",\"name\":\"b\"", "name: there twice"},
	{"\"name\":\"a\"", "\"name\":\"a\",\"n\\u0061me\":\"b\"", "name: there twice"},
	{"\"flag\":false,", "", "flag: missing"},
	{"\"flag\":false", "\"flag\":0", "flag: not true or false"},
	{"\"red\"", "\"Red\"", "color: none of \"red\", \"green\", \"blue\""},
	{"\"red\"", "\"red\\u0000\"", "color: none of \"red\", \"green\", \"blue\""},
	{"\"red\"", "0", "color: not a string"},
	{"\"level\":5,", "", NULL},
	{"\"level\":5", "\"level\":6", "level: outside -5 to 5"},
	{"\"level\":5", "\"level\":-6", "level: outside -5 to 5"},
	{"\"level\":5", "\"level\":5.0", "level: not an integer"},
	{"\"level\":5", "\"level\":-99999999999999999999", "level: outside -5 to 5"},
	{"\"when\":0", "\"when\":-1", "when: outside 0 to 9223372036854775807"},
	{"\"number\":7", "\"number\":0", "number: outside 1 to 4294967295"},
	{"\"number\":7", "\"number\":4294967296", "number: outside 1 to 4294967295"},
	{"\"number\":7", "\"number\":-1", "number: outside 1 to 4294967295"},
	{"18446744073709551615", "-1", "bytes: outside 0 to 18446744073709551615"},
	{"\"0aff\"", "\"0af\"", "key: not 4 hex digits"},
	{"\"0aff\"", "\"0a\"", "key: not 4 hex digits"},
	{"\"0aff\"", "\"0affff\"", "key: not 4 hex digits"},
	{"\"0aff\"", "\"0aff\\u0000\"", "key: not 4 hex digits"},
	{"\"01\"", "\"\"", NULL},
	{"\"01\"", "\"0102030405\"", "salt: not hex digits, or over 8 of them"},
	{"\"span\":{", "\"span\":[],\"x\":{", "span: not an object"},
	{"\"span\":{\"start\":1", "\"span\":{\"start\":3",
	 "span: it ends before it begins"},
	{"\"span\":{\"start\":1", "\"span\":{\"s\":1", "span.start: missing"},
	{"\"spans\":[", "\"spans\":{},\"x\":[", "spans: not a list"},
	{"\"spans\":[", "\"spans\":[{\"start\":0},", "spans: more than 2 entries"},
	{"\"end\":3", "\"end\":2", "spans[1]: it ends before it begins"},
	{"\"end\":3", "\"end\":[]", "spans[1].end: not an integer"},
	{"\"words\":[", "\"words\":[1,", "words[0]: not a string"},
	{"\"e\"]", "\"abcde\"]", "words[1]: longer than 4 bytes"},
	{"\"e\"]", "\"\"]", "words[1]: empty"},
	{"\"square\":9", "\"square\":8", "square: not a square"},
	{"\"square\":9", "\"square\":9,\"later\":[{}]", NULL},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		cleanup_with(thing_free) struct thing thing = {.when = -1};
		const char *place = strstr(most, cases[i].part);
		struct verity_error err = {VERITY_OK, ""};
		char text[1024];
		int r;

		assert_non_null(place);
		snprintf(text, sizeof(text), "%.*s%s%s", (int)(place - most), most,
			 cases[i].with, place + strlen(cases[i].part));
		r = verity_json_decode(text, strlen(text), fields, VERITY_E_BAD_STATEMENT,
				       &thing, &err);
		if (cases[i].message)
			check_error(&err, VERITY_E_BAD_STATEMENT, cases[i].message);
		assert_int_equal(r, cases[i].message ? -EBADMSG : 0);
	}
}

/* A text is made printable, but where it is to be refused by its reader instead. */
/* A writer that nothing was added to is an empty object. */
static void test_empty(void **state)
{
	cleanup_with(verity_json_end) struct verity_json_writer json = {0};
	struct verity_error err;

	(void)state;
	for (int again = 0; again < 2; again++) {
		cleanup_free char *text = NULL;

		check_ok(verity_json_finish(&json, VERITY_JSON_COMPACT, &text, &err),
			 &err);
		assert_string_equal(text, "{}");
	}
}

static void test_unprintable(void **state)
{
	static const struct verity_json_field note[] = {
		VERITY_JSON_TEXT("note", struct thing, note),
		{.key = NULL},
	};
	const struct thing thing = {.note = "a\033\303"};
	cleanup_free char *plain = NULL;
	cleanup_free char *raw = NULL;
	struct verity_error err;

	(void)state;
	check_ok(verity_json_encode(&thing, note, VERITY_JSON_COMPACT, &plain, &err),
		 &err);
	assert_string_equal(plain, "{\"note\":\"a??\"}");
	check_ok(verity_json_encode(&thing, note, VERITY_JSON_COMPACT | VERITY_JSON_RAW,
				    &raw, &err),
		 &err);
	assert_string_equal(raw, "{\"note\":\"a\\u001b\303\"}");
}

static int parse(const char *text, size_t size)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	struct verity_error err;

	return verity_json_parse(text, size, &object, &err);
}

/* What every version of json-c makes of a text: it is checked before json-c sees it. */
static const struct {
	const char *text;
	const char *message; /* NULL: it is read */
} texts[] = {
	{"{\"a\":\"\303\234ber ACME, \342\202\254 5, \360\235\204\236\"}", NULL},
	{"{\"\303\274\":1}", NULL},
	{" \t\r\n{ \"a\" : [ 1 , 2 ] , \"b\" : { } } \n", NULL},
	{"{\"a\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00fC\"}", NULL},
	{"{\"a\":\"\\ud834\\udd1e\177\"}", NULL},
	{"{\"a\":[0,-0,10,1.5,-1e5,1E+2,0.0e-0,true,false,null,[],{}]}", NULL},
	{"{\"a\":99999999999999999999,\"b\":-99999999999999999999,\"c\":1e999}", NULL},
	{"{\"a\":[[[[[[[1]]]]]]]}", NULL},
	{"{\"a\":[[[[[[[[]]]]]]]]}", "nesting too deep at byte 12"},
	{"{\"a\":\"\t\"}", "control character in a string at byte 6"},
	{"{\"a\n\":1}", "control character in a string at byte 3"},
	{"{\"a\":\"\377\"}", "invalid UTF-8 at byte 6"},
	{"{\"a\":\"\303\"}", "invalid UTF-8 at byte 6"},
	{"{\"a\":\"\300\257\"}", "invalid UTF-8 at byte 6"},
	{"{\"a\":\"\355\240\200\"}", "invalid UTF-8 at byte 6"},
	{"{\"a\":\"\364\220\200\200\"}", "invalid UTF-8 at byte 6"},
	{"{\"\377\":1}", "invalid UTF-8 at byte 2"},
	{"{\"a\":\"\\x\"}", "unknown escape sequence at byte 7"},
	{"{\"a\":\"\\'\"}", "unknown escape sequence at byte 7"},
	{"{\"a\":\"\\u00g0\"}", "not four hex digits after \\u at byte 10"},
	{"{\"a\":'b'}", "expected a value at byte 5"},
	{"{'a':1}", "expected a key in double quotes at byte 1"},
	{"{a:1}", "expected a key in double quotes at byte 1"},
	{"{\"a\":1,}", "expected a key in double quotes at byte 7"},
	{"{,}", "expected a key in double quotes at byte 1"},
	{"{\"a\" 1}", "expected ':' at byte 5"},
	{"{\"a\":1 \"b\":2}", "expected ',' or '}' at byte 7"},
	{"{\"a\":[1,]}", "expected a value at byte 8"},
	{"{\"a\":[1 2]}", "expected ',' or ']' at byte 8"},
	{"{\"a\":[1}", "expected ',' or ']' at byte 7"},
	{"{\"a\":}", "expected a value at byte 5"},
	{"{\"a\":/* */1}", "expected a value at byte 5"},
	{"{\"a\":1}// b", "unexpected character at byte 7"},
	{"{\"a\":\v1}", "expected a value at byte 5"},
	{"{\"a\":01}", "number with a leading 0 at byte 5"},
	{"{\"a\":-01}", "number with a leading 0 at byte 6"},
	{"{\"a\":+1}", "expected a value at byte 5"},
	{"{\"a\":-}", "expected a value at byte 6"},
	{"{\"a\":.5}", "expected a value at byte 5"},
	{"{\"a\":1.}", "expected a digit at byte 7"},
	{"{\"a\":1e}", "expected a digit at byte 7"},
	{"{\"a\":1e+}", "expected a digit at byte 8"},
	{"{\"a\":0x10}", "expected ',' or '}' at byte 6"},
	{"{\"a\":NaN}", "expected a value at byte 5"},
	{"{\"a\":Infinity}", "expected a value at byte 5"},
	{"{\"a\":-Infinity}", "expected a value at byte 6"},
	{"{\"a\":True}", "expected a value at byte 5"},
	{"{\"a\":nul}", "expected a value at byte 8"},
	{"{\"a\":truefalse}", "expected ',' or '}' at byte 9"},
	{"{\"a\":\"b", "incomplete at byte 7"},
	{"{\"a\":\"\\u00", "incomplete at byte 10"},
	{"{\"a\":\"\\", "incomplete at byte 7"},
	{"{\"a\":tr", "incomplete at byte 7"},
	{"{\"a\"", "incomplete at byte 4"},
	{" ", "incomplete at byte 1"},
};

static void test_grammar(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		cleanup_with(json_object_put_p) struct json_object *object = NULL;
		size_t size = strlen(texts[i].text);
		cleanup_free char *exact = malloc(size); /* for the sanitizer */
		char message[128];
		struct verity_error err;
		int r;

		assert_non_null(exact);
		memcpy(exact, texts[i].text, size);
		r = verity_json_parse(exact, size, &object, &err);
		if (!texts[i].message) {
			check_ok(r, &err);
			continue;
		}
		snprintf(message, sizeof(message), "not JSON: %s", texts[i].message);
		assert_int_equal(r, -EBADMSG);
		check_error(&err, VERITY_E_BAD_MANIFEST, message);
	}
	assert_int_equal(parse("{\"a\":\"b\0c\"}", 11), -EBADMSG);
	assert_int_equal(parse("{\"a\":1}\0", 8), -EBADMSG);
}

/* @count times @one, as a list, and what comes of it. */
static int parse_many(const char *one, size_t count, struct verity_error *err)
{
	cleanup_with(json_object_put_p) struct json_object *object = NULL;
	static const char begin[] = "{\"a\":[";
	size_t size = strlen(one), used = strlen(begin);
	cleanup_free char *text = malloc(used + count * (size + 1) + 1);

	assert_non_null(text);
	memcpy(text, begin, used);
	for (size_t i = 0; i < count; i++) {
		memcpy(text + used, one, size);
		used += size;
		text[used++] = i + 1 < count ? ',' : ']';
	}
	text[used++] = '}';
	return verity_json_parse(text, used, &object, err);
}

/* Two bytes of text are hundreds of memory: who writes a record does not fill it. */
static void test_shape(void **state)
{
	static const char full[] = "over 16384 objects and lists, or 65536 values";
	static const char *const nests[] = {"{}", "[]", "[{},\"'\"]"};
	struct verity_error err;

	(void)state;
	check_ok(parse_many("{}", VERITY_JSON_NESTS_MAX - 2, &err), &err);
	check_ok(parse_many("1", VERITY_JSON_VALUES_MAX + 1, &err), &err);
	/* in a text they are no objects */
	check_ok(parse_many("\"\\\"[[[{,,\"", VERITY_JSON_NESTS_MAX, &err), &err);
	for (size_t i = 0; i < sizeof(nests) / sizeof(nests[0]); i++) {
		assert_int_equal(parse_many(nests[i], VERITY_JSON_NESTS_MAX, &err),
				 -EBADMSG);
		assert_string_equal(err.message, full);
	}
	assert_int_equal(parse_many("1", VERITY_JSON_VALUES_MAX + 2, &err), -EBADMSG);
	assert_string_equal(err.message, full);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),       cmocka_unit_test(test_members),
		cmocka_unit_test(test_cases),       cmocka_unit_test(test_empty),
		cmocka_unit_test(test_unprintable), cmocka_unit_test(test_grammar),
		cmocka_unit_test(test_shape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
