/* SPDX-License-Identifier: MIT */
#include "tests/check.h"

#include <stdio.h>
#include <string.h>

#include "installer/web/multipart.h"

#define TYPE  "multipart/form-data; boundary=X"
#define FIELD "Content-Disposition: form-data; name=\"a\"\r\n\r\n"
#define FILE_AS(name)                                                                    \
	"Content-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n"       \
	"Content-Type: application/octet-stream\r\n\r\n"

/* What the hooks were told: "a=value;", "file[name]=bytes;". */
struct told {
	char text[512];
};

static void add(struct told *told, const char *bytes, size_t count)
{
	size_t used = strlen(told->text);

	assert_true(used + count < sizeof(told->text));
	memcpy(told->text + used, bytes, count);
}

static int begin(void *context, const struct multipart_part *part,
		 struct verity_error *err)
{
	char text[512];

	(void)err;
	if (part->is_file)
		snprintf(text, sizeof(text), "%s[%s]=", part->name, part->file);
	else
		snprintf(text, sizeof(text), "%s=", part->name);
	add(context, text, strlen(text));
	return 0;
}

static int take(void *context, const char *bytes, size_t count, struct verity_error *err)
{
	(void)err;
	add(context, bytes ?: ";", bytes ? count : 1);
	return 0;
}

/* In pieces of @step bytes. */
static int parse(const char *type, const char *body, size_t size, size_t step,
		 struct told *told, struct verity_error *err)
{
	const struct multipart_hooks hooks = {begin, take, told};
	static struct multipart multipart;
	int r = multipart_begin(&multipart, type, &hooks, err);

	memset(told, 0, sizeof(*told));
	for (size_t at = 0; r == 0 && at < size; at += step)
		r = multipart_feed(&multipart, body + at,
				   size - at < step ? size - at : step, err);
	return r < 0 ? r : multipart_end(&multipart, err);
}

static void test_good(void **state)
{
	static const struct {
		const char *type, *body, *told;
	} cases[] = {
		{TYPE, "--X\r\n" FIELD "value\r\n--X--\r\n", "a=value;"},
		{TYPE, "--X\r\n" FIELD "\r\n--X--", "a=;"},
		{"Multipart/Form-Data; Boundary=\"X\"", "--X\r\n" FIELD "v\r\n--X--\r\n",
		 "a=v;"},
		{TYPE,
		 "--X\r\n" FIELD "1\r\n--X\r\n" FILE_AS("p.wmopkg") "\r\n-\r\n--\r\r\n--Y"
								    "\r\n--X--\r\n",
		 "a=1;file[p.wmopkg]=\r\n-\r\n--\r\r\n--Y;"},
		/* A name is only a text here; who uses it checks it. */
		{TYPE, "--X\r\n" FILE_AS("../../a\\b") "\r\n--X--\r\n",
		 "file[../../a\\b]=;"},
		{TYPE, "--X\r\n" FILE_AS("") "\r\n--X--\r\n", "file[]=;"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t step = 1; step <= strlen(cases[i].body); step++) {
			struct verity_error err;
			struct told told;

			check_ok(parse(cases[i].type, cases[i].body,
				       strlen(cases[i].body), step, &told, &err),
				 &err);
			assert_string_equal(told.text, cases[i].told);
		}
}

static void test_bad(void **state)
{
	static const struct {
		const char *type, *body;
		enum verity_code code;
	} cases[] = {
		{"multipart/form-data", "", VERITY_E_USAGE},
		{"multipart/form-data; boundary=", "", VERITY_E_USAGE},
		{"multipart/form-data; boundary=a b", "", VERITY_E_USAGE},
		{"multipart/form-data; boundary=\"X", "", VERITY_E_USAGE},
		{"multipart/form-data; boundary=X; charset=utf-8", "", VERITY_E_USAGE},
		{"multipart/mixed; boundary=X", "", VERITY_E_USAGE},
		{"multipart/form-data; boundary="
		 "01234567890123456789012345678901234567890123456789012345678901234567890",
		 "", VERITY_E_USAGE},
		{TYPE, "preamble\r\n--X\r\n" FIELD "v\r\n--X--\r\n", VERITY_E_USAGE},
		{TYPE, "--X\nC", VERITY_E_USAGE},
		{TYPE, "--X\r\n\r\nv\r\n--X--\r\n", VERITY_E_USAGE},
		{TYPE, "--X\r\nContent-Type: text/plain\r\n\r\nv", VERITY_E_USAGE},
		{TYPE, "--X\r\n" FIELD "v\r\n--Xxy", VERITY_E_USAGE},
		{TYPE, "--X\r\n" FIELD "v\r\n--X--\r\nmore", VERITY_E_USAGE},
		{TYPE, "--X\r\nContent-Disposition: attachment; name=\"a\"\r\n\r\n",
		 VERITY_E_USAGE},
		{TYPE, "--X\r\nContent-Disposition: form-data; name=a\r\n\r\n",
		 VERITY_E_USAGE},
		{TYPE, "--X\r\nContent-Disposition: form-data; name=\"A<b>\"\r\n\r\n",
		 VERITY_E_USAGE},
		{TYPE, "--X\r\nContent-Disposition: form-data; name=\"a\r\n\r\n",
		 VERITY_E_USAGE},
		{TYPE, "--X\r\nX-Other: 1\r\n" FIELD "v\r\n--X--\r\n", VERITY_E_USAGE},
		{TYPE,
		 "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n" FIELD
		 "v\r\n--X--\r\n",
		 VERITY_E_USAGE},
		{TYPE, "", VERITY_E_LOST},
		{TYPE, "--X\r\n" FIELD "v\r\n--X", VERITY_E_LOST},
		{TYPE, "--X\r\n" FIELD "v\r\n--", VERITY_E_LOST},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct verity_error err = {.code = VERITY_OK};
		struct told told;

		if (parse(cases[i].type, cases[i].body, strlen(cases[i].body), 7, &told,
			  &err) == 0 ||
		    err.code != cases[i].code)
			fail_msg("%s, %s: %s", cases[i].type, cases[i].body, err.message);
	}
}

/* What a stranger can make long has an end. */
static void test_limits(void **state)
{
	static char body[MULTIPART_HEAD_MAX + 64];
	struct verity_error err;
	struct told told;
	size_t used;

	(void)state;
	memset(body, 'a', sizeof(body));
	memcpy(body, "--X\r\n", 5);
	assert_true(parse(TYPE, body, sizeof(body), 100, &told, &err) < 0);
	assert_int_equal(err.code, VERITY_E_USAGE);
	used = 0;
	for (unsigned i = 0; i <= MULTIPART_PARTS_MAX; i++)
		used += (size_t)snprintf(body + used, sizeof(body) - used,
					 "%s--X\r\n" FIELD, i ? "\r\n" : "");
	used += (size_t)snprintf(body + used, sizeof(body) - used, "\r\n--X--\r\n");
	assert_true(used < sizeof(body));
	assert_true(parse(TYPE, body, used, 100, &told, &err) < 0);
	assert_int_equal(err.code, VERITY_E_USAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
